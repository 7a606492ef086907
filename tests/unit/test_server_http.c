#include "server/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static bool ready = true;

static bool tell_health(void *self, struct leat_buffer *body)
{
    (void)self;
    leat_buffer_append_text(body,
                            ready ? "{\"ready\":true,\"reasons\":[]}" : "{\"ready\":false,\"reasons\":[\"warming\"]}");
    return ready;
}

static void tell_metrics(void *self, struct leat_buffer *body)
{
    leat_buffer_append_text(body, self);
}

static void tell_too_much(void *self, struct leat_buffer *body)
{
    (void)self;
    for (int i = 0; i < 20; i++)
        leat_buffer_format(body, "%*s", 1 << 20, "");
}

static const struct leat_http_handlers handlers = {
    .self = (void *)(uintptr_t) "leat_up 1\n", .health = tell_health, .metrics = tell_metrics, .status = tell_too_much};

/* Sends a request to the loopback and reads the answer to its end. */
static const char *ask(uint16_t port, const char *request)
{
    static char answer[4096];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    size_t len = 0;
    for (ssize_t got; len < sizeof answer - 1 && (got = recv(fd, answer + len, sizeof answer - 1 - len, 0)) > 0;)
        len += (size_t)got;
    answer[len] = '\0';
    close(fd);
    return answer;
}

static struct leat_http *start(const struct leat_http_handlers *with)
{
    struct leat_http *http;
    struct leat_error err = {0};
    assert_int_equal(leat_http_start(LEAT_HTTP_ADDRESS, 0, with, &http, &err), 0);
    assert_int_not_equal(leat_http_port(http), 0);
    return http;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void health_is_200_when_ready_and_503_with_the_reasons_when_not(void **state)
{
    (void)state;
    struct leat_http *http = start(&handlers);
    const char *answer = ask(leat_http_port(http), GET("/health"));
    assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strstr(answer, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(answer, "\r\n\r\n{\"ready\":true,\"reasons\":[]}"));
    ready = false;
    answer = ask(leat_http_port(http), GET("/health"));
    ready = true;
    assert_memory_equal(answer, "HTTP/1.1 503 ", 13);
    assert_non_null(strstr(answer, "[\"warming\"]"));
    leat_http_stop(http);
    leat_http_stop(NULL);
}

static void metrics_are_the_text_that_prometheus_reads(void **state)
{
    (void)state;
    struct leat_http *http = start(&handlers);
    const char *answer = ask(leat_http_port(http), GET("/metrics"));
    assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_non_null(strstr(answer, "\r\n\r\nleat_up 1\n"));
    leat_http_stop(http);
}

static void a_path_that_is_not_there_is_404_and_says_what_is(void **state)
{
    (void)state;
    struct leat_http *http = start(&handlers);
    const char *answer = ask(leat_http_port(http), GET("/"));
    assert_memory_equal(answer, "HTTP/1.1 404 ", 13);
    assert_non_null(strstr(answer, "{\"error\":\"there are /health, /metrics and /status\"}"));
    leat_http_stop(http);
    http = start(&(struct leat_http_handlers){0});
    assert_memory_equal(ask(leat_http_port(http), GET("/metrics")), "HTTP/1.1 404 ", 13);
    leat_http_stop(http);
}

static void only_get_and_head_are_answered(void **state)
{
    (void)state;
    struct leat_http *http = start(&handlers);
    const char *answer = ask(leat_http_port(http), "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                                   "Content-Length: 5\r\n\r\nhello");
    assert_memory_equal(answer, "HTTP/1.1 405 ", 13);
    assert_non_null(strstr(answer, "Allow: GET, HEAD\r\n"));
    answer = ask(leat_http_port(http), "HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strstr(answer, "Content-Length: 10\r\n"));
    assert_null(strstr(answer, "leat_up"));
    leat_http_stop(http);
}

static void an_answer_that_is_too_long_is_500_and_not_a_part_of_it(void **state)
{
    (void)state;
    struct leat_http *http = start(&handlers);
    const char *answer = ask(leat_http_port(http), GET("/status"));
    assert_memory_equal(answer, "HTTP/1.1 500 ", 13);
    assert_non_null(strstr(answer, "the answer is longer than it may be"));
    leat_http_stop(http);
}

static void a_port_that_is_taken_is_an_error_of_the_environment(void **state)
{
    (void)state;
    struct leat_http *http = start(&handlers), *other;
    struct leat_error err = {0};
    char expected[100];
    snprintf(expected, sizeof expected, "can not listen on 127.0.0.1 port %u: Address already in use",
             leat_http_port(http));
    assert_int_equal(leat_http_start("127.0.0.1", leat_http_port(http), &handlers, &other, &err), -1);
    assert_int_equal(err.kind, LEAT_ERROR_ENVIRONMENT);
    assert_string_equal(err.text, expected);
    leat_http_stop(http);
    assert_int_equal(leat_http_start("localhost", 0, &handlers, &other, &err), -1);
    assert_int_equal(err.kind, LEAT_ERROR_USAGE);
    assert_string_equal(err.text, "'localhost' is no address to listen on: 127.0.0.1, 0.0.0.0, ::1, …");
}

static void it_listens_on_an_address_of_version_six_too(void **state)
{
    (void)state;
    struct leat_http *http;
    struct leat_error err = {0};
    if (leat_http_start("::1", 0, &handlers, &http, &err) < 0) {
        assert_int_equal(err.kind, LEAT_ERROR_ENVIRONMENT); /* a machine without it */
        return;
    }
    assert_int_not_equal(leat_http_port(http), 0);
    leat_http_stop(http);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_is_200_when_ready_and_503_with_the_reasons_when_not),
        cmocka_unit_test(metrics_are_the_text_that_prometheus_reads),
        cmocka_unit_test(a_path_that_is_not_there_is_404_and_says_what_is),
        cmocka_unit_test(only_get_and_head_are_answered),
        cmocka_unit_test(an_answer_that_is_too_long_is_500_and_not_a_part_of_it),
        cmocka_unit_test(a_port_that_is_taken_is_an_error_of_the_environment),
        cmocka_unit_test(it_listens_on_an_address_of_version_six_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
