/* Numbers to text and back, exactly and independent of the locale: std::to_chars and std::from_chars with a C face. */
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

extern "C" {
#include "base/json.h"
}

namespace
{

/* Where a decimal number lies when it is beyond the range of its type: from_chars reports both ends alike, but what is
 * too small reads as zero and what is too large is refused. The text has been found to be a number. */
bool is_tiny(const char *text, const char *end)
{
    int64_t point = 0; /* the decimal exponent of the first digit that is not zero */
    bool after_point = false;
    bool significant = false;
    const char *at = text;
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            after_point = true;
        } else if (*at >= '0' && *at <= '9') {
            significant = significant || *at != '0';
            if (!after_point && significant)
                point++;
            if (after_point && !significant)
                point--;
        }
    }
    if (at == end)
        return point < 0;

    at++;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    int64_t exponent = 0;
    for (; at < end; at++) {
        if (exponent < INT64_MAX / 100)
            exponent = exponent * 10 + (*at - '0');
    }
    return point + (negative ? -exponent : exponent) < 0;
}

/* from_chars takes "inf", "nan" and what precedes garbage, and refuses a plus. */
template <typename T> int parse_real(leat_bytes text, T *ret)
{
    const char *at = text.data;
    const char *end = text.data + text.len;
    if (at < end && *at == '+')
        at++;
    const char *digits = at;
    if (digits < end && *digits == '-' && digits == text.data)
        digits++;
    if (digits == end || !((*digits >= '0' && *digits <= '9') || *digits == '.'))
        return -1;

    T number = 0;
    std::from_chars_result result = std::from_chars(at, end, number, std::chars_format::general);
    if (result.ptr != end || result.ec == std::errc::invalid_argument)
        return -1;
    if (result.ec == std::errc::result_out_of_range) {
        if (!is_tiny(digits, end))
            return -1;
        number = digits == at ? T(0) : -T(0);
    }
    *ret = number;
    return 0;
}

size_t copy_word(const char *word, char ret[32])
{
    size_t len = std::strlen(word);
    std::memcpy(ret, word, len + 1);
    return len;
}

template <typename T> size_t format_real(T number, char ret[32])
{
    if (number != number)
        return copy_word("NaN", ret);
    if (number - number != T(0))
        return copy_word(number > T(0) ? "Infinity" : "-Infinity", ret);
    if (number == T(0))
        return copy_word(std::signbit(number) ? "-0.0" : "0", ret);
    /* Whole numbers that int64 does not hold have an exponent, so that no reader takes them for integers. */
    bool huge = number >= T(9.2e18) || number <= T(-9.2e18);
    std::to_chars_result result = huge ? std::to_chars(ret, ret + 31, number, std::chars_format::scientific)
                                       : std::to_chars(ret, ret + 31, number);
    *result.ptr = '\0';
    return static_cast<size_t>(result.ptr - ret);
}

} // namespace

extern "C" {

int leat_double_parse(struct leat_bytes text, double *ret)
{
    return parse_real(text, ret);
}

int leat_float_parse(struct leat_bytes text, float *ret)
{
    return parse_real(text, ret);
}

int leat_int_parse(struct leat_bytes text, int64_t *ret)
{
    const char *at = text.data;
    const char *end = text.data + text.len;
    if (text.len > 1 && *at == '+' && at[1] != '-')
        at++;
    int64_t number = 0;
    std::from_chars_result result = std::from_chars(at, end, number);
    if (result.ec != std::errc() || result.ptr != end)
        return -1;
    *ret = number;
    return 0;
}

size_t leat_double_format(double number, char ret[32])
{
    return format_real(number, ret);
}

size_t leat_float_format(float number, char ret[32])
{
    return format_real(number, ret);
}

int leat_json_put_int(struct leat_buffer *out, int64_t number)
{
    if (leat_buffer_reserve(out, 20) < 0)
        return -1;
    std::to_chars_result result = std::to_chars(out->data + out->len, out->data + out->len + 20, number);
    out->len = static_cast<size_t>(result.ptr - out->data);
    return 0;
}

int leat_json_put_double(struct leat_buffer *out, double number)
{
    /* Whole numbers are most of what there is, and far cheaper as integers. */
    if (number > -1e15 && number < 1e15 && number != 0.0) {
        int64_t whole = static_cast<int64_t>(number);
        if (static_cast<double>(whole) == number)
            return leat_json_put_int(out, whole);
    }
    if (number - number != 0.0)
        return leat_buffer_append(out, "null", 4);
    if (leat_buffer_reserve(out, 32) < 0)
        return -1;
    out->len += leat_double_format(number, out->data + out->len);
    return 0;
}

int leat_json_put_float(struct leat_buffer *out, float number)
{
    if (number - number != 0.0F)
        return leat_buffer_append(out, "null", 4);
    if (leat_buffer_reserve(out, 32) < 0)
        return -1;
    out->len += leat_float_format(number, out->data + out->len);
    return 0;
}

} // extern "C"
