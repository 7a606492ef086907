#include "server/http.h"

#include "base/arena.h"
#include "base/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct leat_http {
    struct MHD_Daemon *daemon;
    struct leat_http_handlers handlers;
    uint16_t port;
};

/* -- routes -------------------------------------------------------------------------------------------------------- */

/* Appends the body; returns the status. 0: the route has no handler. */
static unsigned answer_health(const struct leat_http_handlers *handlers, struct leat_buffer *out)
{
    if (!handlers->health)
        return 0;
    return handlers->health(handlers->self, out) ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static unsigned answer_metrics(const struct leat_http_handlers *handlers, struct leat_buffer *out)
{
    if (!handlers->metrics)
        return 0;
    handlers->metrics(handlers->self, out);
    return MHD_HTTP_OK;
}

static unsigned answer_status(const struct leat_http_handlers *handlers, struct leat_buffer *out)
{
    if (!handlers->status)
        return 0;
    handlers->status(handlers->self, out);
    return MHD_HTTP_OK;
}

static const struct route {
    const char *path, *type;
    unsigned (*answer)(const struct leat_http_handlers *handlers, struct leat_buffer *out);
} routes[] = {
    {"/health", "application/json", answer_health},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", answer_metrics},
    {"/status", "application/json", answer_status},
};
#define ROUTE_COUNT (sizeof routes / sizeof routes[0])

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    return NULL;
}

static unsigned put_problem(struct leat_buffer *out, unsigned status, const char *text)
{
    leat_buffer_reset(out);
    leat_buffer_append_text(out, "{\"error\":");
    leat_json_put_string(out, leat_bytes_of(text));
    leat_buffer_append_text(out, "}\n");
    return status;
}

static unsigned answer(const struct leat_http *http, const char *path, const char *method, struct leat_buffer *out,
                       const char **ret_type)
{
    const struct route *route = find_route(path);
    *ret_type = "application/json";
    if (!route)
        return put_problem(out, MHD_HTTP_NOT_FOUND, "there are /health, /metrics and /status");
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return put_problem(out, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are answered");
    unsigned status = route->answer(&http->handlers, out);
    if (status == 0)
        return put_problem(out, MHD_HTTP_NOT_FOUND, "this is not served here");
    if (out->failed)
        return put_problem(out, MHD_HTTP_INTERNAL_SERVER_ERROR, "the answer is longer than it may be");
    *ret_type = route->type;
    return status;
}

/* -- libmicrohttpd ------------------------------------------------------------------------------------------------- */

static enum MHD_Result handle(void *self, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **state)
{
    static char seen;
    (void)version;
    (void)upload;
    /* The first call has the headers alone; an answer then would make the client's keep-alive fail. */
    if (*state == NULL) {
        *state = &seen;
        return MHD_YES;
    }
    if (*upload_size > 0) { /* whatever is sent is not read */
        *upload_size = 0;
        return MHD_YES;
    }
    struct leat_buffer out = {.max = LEAT_HTTP_BODY_MAX};
    const char *type;
    unsigned status = answer(self, path, method, &out, &type);
    struct MHD_Response *response = MHD_create_response_from_buffer(out.len, out.data, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        leat_buffer_done(&out);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* -- starting and stopping ----------------------------------------------------------------------------------------- */

static int parse_address(const char *address, uint16_t port, struct sockaddr_storage *ret, struct leat_error *err)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&storage;
    if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
    } else if (inet_pton(AF_INET6, address, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
    } else {
        return leat_error_set(err, LEAT_ERROR_USAGE, "'%s' is no address to listen on: 127.0.0.1, 0.0.0.0, ::1, …",
                              address);
    }
    *ret = storage;
    return 0;
}

int leat_http_start(const char *address, uint16_t port, const struct leat_http_handlers *handlers,
                    struct leat_http **ret, struct leat_error *err)
{
    struct sockaddr_storage storage;
    if (parse_address(address, port, &storage, err) < 0)
        return -1;
    struct leat_http *http = leat_calloc(1, sizeof *http);
    http->handlers = *handlers;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO |
                     (storage.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0u);
    errno = 0;
    http->daemon = MHD_start_daemon(flags, port, NULL, NULL, handle, http, MHD_OPTION_SOCK_ADDR, &storage,
                                    MHD_OPTION_CONNECTION_LIMIT, (unsigned)LEAT_HTTP_CONNECTIONS_MAX,
                                    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)LEAT_HTTP_TIMEOUT_S, MHD_OPTION_END);
    if (!http->daemon) {
        int why = errno;
        free(http);
        return leat_error_set(err, LEAT_ERROR_ENVIRONMENT, "can not listen on %s port %u: %s", address, port,
                              why ? strerror(why) : "the HTTP server did not start");
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    http->port = info ? info->port : port;
    *ret = http;
    return 0;
}

uint16_t leat_http_port(const struct leat_http *http)
{
    return http->port;
}

void leat_http_stop(struct leat_http *http)
{
    if (!http)
        return;
    MHD_stop_daemon(http->daemon);
    free(http);
}
