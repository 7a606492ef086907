/* Whatever is read is within the limits, its places lie in the source, and every error is valid UTF-8. */
#include "base/error.h"
#include "base/json.h"
#include "base/yaml.h"

#include <stdint.h>
#include <string.h>

struct walk {
    const struct leat_yaml_document *document;
    size_t nodes, text;
};

static void check_node(struct walk *walk, const struct leat_yaml *node, size_t depth)
{
    walk->nodes++;
    leat_assert(depth <= 32 && walk->nodes <= 10000);
    leat_assert(node->line >= 1 && node->column >= 1 && (size_t)node->line <= walk->document->source.len + 1);
    if (node->type == LEAT_YAML_SCALAR) {
        walk->text += node->text.len;
        leat_assert(walk->text <= 1 << 20);
        leat_assert(node->text.data[node->text.len] == '\0' && leat_utf8_valid(node->text));
    }
    for (size_t i = 0; i < node->count; i++) {
        if (node->type == LEAT_YAML_SEQUENCE) {
            check_node(walk, &node->elements[i], depth + 1);
            continue;
        }
        const struct leat_yaml_member *member = &node->members[i];
        leat_assert(member->key.type == LEAT_YAML_SCALAR);
        check_node(walk, &member->key, depth + 1);
        check_node(walk, &member->value, depth + 1);
        if (memchr(member->key.text.data, '\0', member->key.text.len) == NULL)
            leat_assert(leat_yaml_get(node, member->key.text.data) == &member->value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct leat_yaml_document document;
    struct leat_error err = {0};
    if (leat_yaml_parse("fn.yaml", (struct leat_bytes){(const char *)data, size}, &document, &err) < 0) {
        leat_assert(err.kind == LEAT_ERROR_FINDING && strncmp(err.text, "fn.yaml:", 8) == 0);
        return 0;
    }
    struct walk walk = {.document = &document};
    if (document.root != NULL) {
        check_node(&walk, document.root, 1);
        leat_yaml_error(&document, document.root->line, document.root->column, &err, "here");
        leat_assert(leat_utf8_valid(leat_bytes_of(err.text)));
    }
    leat_yaml_done(&document);
    return 0;
}
