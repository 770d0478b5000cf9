#include "site/relay_provider.h"

#define APP_PASSWORD_GOOGLE                                                                        \
    "Sign in as this account at myaccount.google.com, switch on 2-Step Verification, open \"App "  \
    "passwords\" (myaccount.google.com/apppasswords), create one for this mail and enter its 16 "  \
    "letters here."

static const struct relay_provider providers[] = {
    {
        .id = RELAY_PROVIDER_OTHER,
        .name = "this server",
        .expect = "Its own limits are not known; mail goes out carefully.",
        .password_advice = "Ask whoever runs the mail server for the user name and password of an "
                           "account that may send by SMTP.",
    },
    {
        .id = RELAY_PROVIDER_GOOGLE,
        .name = "Google",
        .hosts = {"smtp.gmail.com", "smtp.googlemail.com"},
        .recipients_per_day = 2000,
        .connections_max = 2,
        .expect = "500 recipients a day for a personal account, 2,000 for Google Workspace; above "
                  "it Google refuses with 550 5.4.5 for up to a day. The account's own password "
                  "works unreliably and may stop working on any day; an app password is what to "
                  "use. Signing in by OAuth is not supported.",
        .password_advice = APP_PASSWORD_GOOGLE,
    },
    {
        .id = RELAY_PROVIDER_GOOGLE_RELAY,
        .name = "Google Workspace SMTP relay",
        .hosts = {"smtp-relay.gmail.com"},
        .recipients_per_day = 10000,
        .connections_max = 5,
        .expect =
            "10,000 recipients a day for each user. The administrator must allow the relay in "
            "the Admin console (Apps, Google Workspace, Gmail, Routing, SMTP relay service) "
            "with \"Require SMTP Authentication\" and without a list of IP addresses, since "
            "our addresses change.",
        .password_advice = APP_PASSWORD_GOOGLE,
    },
    {
        .id = RELAY_PROVIDER_MICROSOFT365,
        .name = "Microsoft 365",
        .hosts = {"smtp.office365.com", ".mail.protection.outlook.com"},
        .recipients_per_day = 10000,
        .messages_per_minute = 30,
        .connections_max = 3,
        .expect = "30 messages a minute, 10,000 recipients a day, three connections at a time. "
                  "SMTP AUTH is off in new organisations and must be switched on for this mailbox. "
                  "Microsoft has announced the end of passwords for SMTP AUTH; before it comes, "
                  "plan to move to our method \"dkim\".",
        .password_advice =
            "In the Microsoft 365 admin center open Users, Active users, this "
            "mailbox, Mail, Manage email apps, and tick \"Authenticated SMTP\". Where "
            "security defaults or a Conditional Access policy block it, the "
            "administrator must make an exception for this mailbox.",
    },
    {
        .id = RELAY_PROVIDER_OUTLOOK_COM,
        .name = "Outlook.com",
        .hosts = {"smtp-mail.outlook.com", "smtp.live.com"},
        .recipients_per_day = 300,
        .connections_max = 2,
        .expect = "Outlook.com takes SMTP sign-ins by OAuth only, which is not supported.",
        .password_advice = "Use an account of another provider, or our method \"dkim\".",
    },
    {
        .id = RELAY_PROVIDER_YAHOO,
        .name = "Yahoo",
        .hosts = {".mail.yahoo.com", "smtp.aol.com", ".bizmail.yahoo.com"},
        .recipients_per_day = 500,
        .connections_max = 2,
        .expect = "About 500 recipients a day. The account's own password is refused.",
        .password_advice = "Sign in at login.yahoo.com, open Account security, \"Generate app "
                           "password\", and enter that password here.",
    },
    {
        .id = RELAY_PROVIDER_ICLOUD,
        .name = "iCloud",
        .hosts = {"smtp.mail.me.com", "smtp.mac.com"},
        .recipients_per_day = 1000,
        .connections_max = 2,
        .expect = "1,000 messages and 1,000 recipients a day. The account's own password is "
                  "refused.",
        .password_advice = "Sign in at account.apple.com, open Sign-In and Security, App-Specific "
                           "Passwords, create one and enter it here.",
    },
    {
        .id = RELAY_PROVIDER_ZOHO,
        .name = "Zoho Mail",
        .hosts = {".zoho.com", ".zoho.eu", ".zohocloud.ca", ".zoho.in"},
        .recipients_per_day = 500,
        .connections_max = 2,
        .expect = "Between 50 and 500 messages a day by plan; unusual activity is stopped for an "
                  "hour. Only addresses that the account owns may be the sender.",
        .password_advice = "With two-factor sign-in: accounts.zoho.com, Security, App Passwords. "
                           "Without it the account's own password works.",
    },
    {
        .id = RELAY_PROVIDER_FASTMAIL,
        .name = "Fastmail",
        .hosts = {".fastmail.com", ".messagingengine.com"},
        .recipients_per_day = 4000,
        .connections_max = 5,
        .expect = "4,000 to 8,000 recipients a day by plan.",
        .password_advice = "Settings, Privacy & Security, Manage app passwords: create one with "
                           "access to SMTP and enter it here.",
    },
    {
        .id = RELAY_PROVIDER_AMAZON_SES,
        .name = "Amazon SES",
        .hosts = {".amazonaws.com"},
        .expect = "Limits are those of the SES account, which must be out of the sandbox; the "
                  "outgoing address or its domain must be a verified identity in this region.",
        .password_advice = "In the SES console open SMTP settings, \"Create SMTP credentials\". An "
                           "AWS access key itself is not a password for SMTP.",
    },
    {
        .id = RELAY_PROVIDER_MAIL_RU,
        .name = "Mail.ru",
        .hosts = {"smtp.mail.ru"},
        .connections_max = 2,
        .expect = "The account's own password is refused.",
        .password_advice = "In the account's security settings open \"Passwords for external "
                           "applications\", create one and enter it here.",
    },
    {
        .id = RELAY_PROVIDER_YANDEX,
        .name = "Yandex",
        .hosts = {".yandex.com", ".yandex.ru"},
        .recipients_per_day = 500,
        .connections_max = 2,
        .expect = "500 recipients a day. Mail clients must be allowed in the mailbox's settings.",
        .password_advice = "In Yandex Mail open Settings, Email clients, allow access by IMAP and "
                           "app passwords; then create an app password at id.yandex.ru.",
    },
    {
        .id = RELAY_PROVIDER_QQ,
        .name = "QQ Mail",
        .hosts = {"smtp.qq.com", ".exmail.qq.com"},
        .recipients_per_day = 500,
        .connections_max = 2,
        .expect = "The sender must be the account itself.",
        .password_advice = "In the mailbox open Settings, Account, switch on the SMTP service and "
                           "enter the authorization code that it shows.",
    },
    {
        .id = RELAY_PROVIDER_GMX,
        .name = "GMX",
        .hosts = {"mail.gmx.net", "mail.gmx.com", "smtp.web.de"},
        .recipients_per_day = 500,
        .connections_max = 2,
        .expect = "Access for mail programs is off until it is switched on in the mailbox.",
        .password_advice =
            "In the mailbox open Settings, POP3/IMAP, and switch on \"Allow access\". "
            "With two-factor sign-in create an application-specific password.",
    },
    {
        .id = RELAY_PROVIDER_BREVO,
        .name = "Brevo",
        .hosts = {"smtp-relay.brevo.com", "smtp-relay.sendinblue.com"},
        .connections_max = 5,
        .expect = "Limits are those of the plan.",
        .password_advice =
            "In Brevo open SMTP & API, SMTP, and use the login and the SMTP key shown "
            "there, not the password of the website.",
    },
};

static bool host_is(struct slice host, const char *pattern)
{
    struct slice p = slice_text(pattern);

    return pattern[0] == '.' ? slice_ends_nocase(host, p) : slice_equal_nocase(host, p);
}

const struct relay_provider *relay_provider_find(struct slice host)
{
    while (host.size > 0 && host.data[host.size - 1] == '.')
        host.size--;
    for (size_t i = 1; i < ARRAY_LEN(providers); i++)
        for (size_t j = 0; j < ARRAY_LEN(providers[i].hosts) && providers[i].hosts[j]; j++)
            if (host_is(host, providers[i].hosts[j]))
                return &providers[i];
    return &providers[RELAY_PROVIDER_OTHER];
}

const struct relay_provider *relay_provider_by_id(enum relay_provider_id id)
{
    assert(id < RELAY_PROVIDERS && providers[id].id == id);
    return &providers[id];
}

/* How many letters there are besides spaces; 0 when there is anything else. */
static size_t count_letters(struct slice password)
{
    size_t letters = 0;

    for (size_t i = 0; i < password.size; i++) {
        if (password.data[i] == ' ')
            continue;
        if (password.data[i] < 'a' || password.data[i] > 'z')
            return 0;
        letters++;
    }
    return letters;
}

bool relay_provider_is_app_password(struct slice password)
{
    return count_letters(password) == RELAY_APP_PASSWORD_BYTES;
}

bool relay_provider_is_cut_app_password(struct slice password)
{
    enum { NEARLY = 3 };
    size_t letters = count_letters(password);
    bool near = letters + NEARLY >= RELAY_APP_PASSWORD_BYTES &&
                letters <= RELAY_APP_PASSWORD_BYTES + NEARLY;

    return letters && letters != RELAY_APP_PASSWORD_BYTES &&
           (near || slice_find(slice_trim(password), ' ') >= 0);
}

bool relay_provider_has_app_passwords(const struct relay_provider *provider)
{
    return provider->id == RELAY_PROVIDER_GOOGLE || provider->id == RELAY_PROVIDER_GOOGLE_RELAY;
}
