#include "wire/date.h"

#include <stdio.h>

enum { DAY_S = 86400 };

static const int64_t EARLIEST_S = -62135596800; /* 0001-01-01 00:00:00 */
static const int64_t LATEST_S = 253402300799;   /* 9999-12-31 23:59:59 */

struct moment {
    unsigned year, month, day; /* month and day from 1 */
    unsigned weekday;          /* 0 is Sunday */
    unsigned hour, minute, second;
};

/* Days are counted from 0000-03-01, so that a leap day is the last day of a year and a month's
 * first day is (153 * month + 2) / 5 days after March 1. */
static void moment_set_day(struct moment *m, int64_t days_since_1970)
{
    enum { DAYS_400_YEARS = 146097, MARCH_0000_TO_1970 = 719468, THURSDAY = 4 };
    unsigned days = (unsigned)(days_since_1970 + MARCH_0000_TO_1970);
    unsigned era = days / DAYS_400_YEARS;
    unsigned day = days % DAYS_400_YEARS;
    unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    unsigned day_of_year = day - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * day_of_year + 2) / 153; /* 0 is March */

    m->day = day_of_year - (153 * month + 2) / 5 + 1;
    m->month = month < 10 ? month + 3 : month - 9;
    m->year = era * 400 + year + (m->month <= 2);
    m->weekday = (unsigned)((days_since_1970 % 7 + 7 + THURSDAY) % 7);
}

static struct moment moment_of(int64_t time_s)
{
    struct moment m;
    int64_t days, second;

    if (time_s < EARLIEST_S)
        time_s = EARLIEST_S;
    if (time_s > LATEST_S)
        time_s = LATEST_S;
    days = time_s / DAY_S;
    second = time_s % DAY_S;
    if (second < 0) {
        second += DAY_S;
        days--;
    }
    moment_set_day(&m, days);
    m.hour = (unsigned)(second / 3600);
    m.minute = (unsigned)(second / 60 % 60);
    m.second = (unsigned)(second % 60);
    return m;
}

/* printf would take as long as all the rest of a reply; every message has a date. */
static void put_digits(char *at, unsigned number, int count)
{
    for (int i = count; i-- > 0; number /= 10)
        at[i] = (char)('0' + number % 10);
}

struct slice wire_date_mail(int64_t time_s, char out[WIRE_DATE_MAIL_BYTES])
{
    static const char weekdays[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct moment m = moment_of(time_s);

    memcpy(out, "Ddd, dd Mmm yyyy hh:mm:ss +0000", WIRE_DATE_MAIL_BYTES);
    memcpy(out, weekdays[m.weekday], 3);
    put_digits(out + 5, m.day, 2);
    memcpy(out + 8, months[m.month - 1], 3);
    put_digits(out + 12, m.year, 4);
    put_digits(out + 17, m.hour, 2);
    put_digits(out + 20, m.minute, 2);
    put_digits(out + 23, m.second, 2);
    return slice_of(out, WIRE_DATE_MAIL_BYTES - 1);
}

struct slice wire_date_iso(int64_t time_s, char out[WIRE_DATE_ISO_BYTES])
{
    struct moment m = moment_of(time_s);
    int size = snprintf(out, WIRE_DATE_ISO_BYTES, "%04u-%02u-%02uT%02u:%02u:%02uZ", m.year, m.month,
                        m.day, m.hour, m.minute, m.second);

    assert(size == WIRE_DATE_ISO_BYTES - 1);
    return slice_of(out, (size_t)size);
}
