#include "site/suppression_json.h"

#include "control/json.h"

static json_t *text_or_null(struct slice text)
{
    return text.size ? control_json_text(text) : json_null();
}

json_t *suppression_to_json(const struct suppression *x)
{
    json_t *object = json_object();

    json_object_set_new(object, "address", control_json_text(x->address));
    json_object_set_new(object, "reason", json_string(suppression_reason_name(x->reason)));
    json_object_set_new(object, "held", json_boolean(x->held));
    json_object_set_new(object, "class", text_or_null(x->class));
    json_object_set_new(object, "since", control_json_time(x->since_us));
    json_object_set_new(object, "expires", control_json_time(x->expires_us));
    json_object_set_new(object, "message_id", text_or_null(x->message));
    json_object_set_new(object, "text", control_json_text(x->text));
    return object;
}
