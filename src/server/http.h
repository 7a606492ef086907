/* HTTP for people and monitors: GET /health, /metrics, /status. libmicrohttpd behind it, with a thread of its own.
 *
 * What is answered comes from the caller's functions. They run on the server's thread: they read published atomics and
 * immutable objects only, take no lock that a worker takes, and must be done before leat_http_stop returns. */
#ifndef LEAT_SERVER_HTTP_H
#define LEAT_SERVER_HTTP_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define LEAT_HTTP_ADDRESS "127.0.0.1" /* unless told: what is served is for this machine */
#define LEAT_HTTP_CONNECTIONS_MAX 64
#define LEAT_HTTP_TIMEOUT_S 10
#define LEAT_HTTP_BODY_MAX (16u << 20)

struct leat_http_handlers {
    void *self;
    /* Each appends the body. A handler that is NULL: 404. */
    bool (*health)(void *self, struct leat_buffer *out);  /* JSON {"ready":…,"reasons":[…]}; false: 503 */
    void (*metrics)(void *self, struct leat_buffer *out); /* Prometheus text */
    void (*status)(void *self, struct leat_buffer *out);  /* JSON */
};

struct leat_http;
/* address: "127.0.0.1", "0.0.0.0", "::1", …; port 0: any that is free. The handlers are copied. */
int leat_http_start(const char *address, uint16_t port, const struct leat_http_handlers *handlers,
                    struct leat_http **ret, struct leat_error *err);
uint16_t leat_http_port(const struct leat_http *http);
void leat_http_stop(struct leat_http *http); /* waits for answers under way; NULL is fine */

#endif
