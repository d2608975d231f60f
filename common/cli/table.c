/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/table.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cell {
	bool empty;
	uint64_t number;
	char *text; /* NULL for numbers */
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	struct cell *cells; /* row after row; a row has n_columns cells */
	size_t n_rows, size_rows, column;
	bool failed;
};

struct table *table_new(const struct table_column *columns, size_t n)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t) {
		t->columns = columns;
		t->n_columns = n;
	}
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}

void table_row(struct table *t)
{
	t->column = 0;
	if (t->n_rows == t->size_rows) {
		size_t size = t->size_rows ? 2 * t->size_rows : 16;
		struct cell *cells = realloc(t->cells, size * t->n_columns * sizeof(*cells));

		if (!cells) {
			t->failed = true;
			return;
		}
		t->cells = cells;
		t->size_rows = size;
	}
	for (size_t i = 0; i < t->n_columns; i++)
		t->cells[t->n_rows * t->n_columns + i] = (struct cell){.empty = true};
	t->n_rows++;
}

static struct cell *next_cell(struct table *t)
{
	if (t->failed || t->n_rows == 0 || t->column >= t->n_columns) {
		t->failed = true;
		return NULL;
	}
	return &t->cells[(t->n_rows - 1) * t->n_columns + t->column++];
}

void table_text(struct table *t, const char *text)
{
	struct cell *c = next_cell(t);

	if (!c || !text || !*text)
		return;
	c->text = strdup(text);
	c->empty = false;
	if (!c->text)
		t->failed = true;
}

void table_number(struct table *t, uint64_t value)
{
	struct cell *c = next_cell(t);

	if (!c)
		return;
	c->number = value;
	c->empty = false;
}

void table_number_if(struct table *t, bool known, uint64_t value)
{
	if (known)
		table_number(t, value);
	else
		next_cell(t);
}

/* --- text ---------------------------------------------------------------------------------------------------------- */

static void format_cell(const struct cell *c, enum table_type type, char *dst, size_t size)
{
	if (c->empty)
		snprintf(dst, size, "-");
	else if (c->text)
		snprintf(dst, size, "%s", c->text);
	else if (type == TABLE_BYTES)
		str_bytes(dst, size, c->number);
	else if (type == TABLE_MS)
		snprintf(dst, size, "%" PRIu64 ".%02u s", c->number / 1000, (unsigned)(c->number % 1000 / 10));
	else
		snprintf(dst, size, "%" PRIu64, c->number);
	str_printable(dst);
}

static void measure(const struct table *t, size_t *widths)
{
	char text[256];

	for (size_t k = 0; k < t->n_columns; k++) {
		widths[k] = t->columns[k].head ? strlen(t->columns[k].head) : 0;
		for (size_t i = 0; t->columns[k].head && i < t->n_rows; i++) {
			format_cell(&t->cells[i * t->n_columns + k], t->columns[k].type, text, sizeof(text));
			if (strlen(text) > widths[k])
				widths[k] = strlen(text);
		}
	}
}

static void add_line(const struct table *t, const size_t *widths, const struct cell *row, struct buf *b)
{
	char text[256];

	for (size_t k = 0; k < t->n_columns; k++) {
		bool right = t->columns[k].type != TABLE_TEXT;

		if (!t->columns[k].head)
			continue;
		if (row)
			format_cell(&row[k], t->columns[k].type, text, sizeof(text));
		else
			snprintf(text, sizeof(text), "%s", t->columns[k].head);
		buf_printf(b, right ? "%*s  " : "%-*s  ", (int)widths[k], text);
	}
	while (b->len && b->data[b->len - 1] == ' ')
		b->data[--b->len] = '\0';
	buf_puts(b, "\n");
}

static int render_text(const struct table *t, struct buf *b)
{
	cleanup_free size_t *widths = calloc(t->n_columns + 1, sizeof(*widths));

	if (!widths)
		return -ENOMEM;
	measure(t, widths);
	add_line(t, widths, NULL, b);
	for (size_t i = 0; i < t->n_rows; i++)
		add_line(t, widths, &t->cells[i * t->n_columns], b);
	return 0;
}

/* --- JSON ---------------------------------------------------------------------------------------------------------- */

static json_t *json_cell(const struct cell *c)
{
	json_t *j;

	if (c->empty)
		return json_null();
	if (!c->text)
		return json_integer((json_int_t)c->number);
	j = json_string(c->text);
	return j ? j : json_string("?"); /* not UTF-8 */
}

static int render_json(const struct table *t, const char *list, struct buf *b)
{
	json_auto_t *top = json_object();
	json_t *rows = json_array();
	char *text;

	json_object_set_new(top, list, rows);
	for (size_t i = 0; i < t->n_rows; i++) {
		json_t *row = json_object();

		for (size_t k = 0; k < t->n_columns; k++)
			json_object_set_new(row, t->columns[k].key, json_cell(&t->cells[i * t->n_columns + k]));
		json_array_append_new(rows, row);
	}
	text = json_dumps(top, JSON_INDENT(2));
	if (!text)
		return -ENOMEM;
	buf_puts(b, text);
	buf_puts(b, "\n");
	free(text);
	return 0;
}

int table_print(const struct table *t, bool json, const char *list, struct error *e)
{
	struct buf b CLEANUP(buf_free) = BUF_INIT;
	int r;

	if (!t || t->failed)
		return error_errno(e, ENOMEM, "table");
	r = json ? render_json(t, list, &b) : render_text(t, &b);
	if (r < 0 || !buf_ok(&b))
		return error_errno(e, ENOMEM, "table");
	fflush(stdout);
	r = write_full(STDOUT_FILENO, buf_str(&b), b.len);
	return r < 0 ? error_errno(e, r, "standard output") : 0;
}
