/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows for people or for programs: filled once, printed as an aligned text table or as JSON. Text cells are escaped so that no
 * control byte reaches a terminal. Output is spooled and written at once; on error nothing reaches standard output.
 */
#ifndef BYRE_CLI_TABLE_H
#define BYRE_CLI_TABLE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum table_type {
	TABLE_TEXT,
	TABLE_NUMBER, /* right-aligned; a JSON integer */
	TABLE_BYTES,  /* "1.2 GiB"; bytes as a JSON integer */
	TABLE_MS,     /* "2.31 s"; milliseconds as a JSON integer */
};

/* KEY is the JSON member, snake_case; units belong in it (…_bytes, …_ms). HEAD NULL: in JSON only. */
struct table_column {
	const char *head;
	const char *key;
	enum table_type type;
};

struct table;

/* COLUMNS (N of them) must outlive the table. NULL when out of memory. */
struct table *table_new(const struct table_column *columns, size_t n);
void table_free(struct table *t);
static inline void table_freep(struct table **t)
{
	table_free(*t);
}

/* Begins a row; then one call per column, in order. Missing cells are empty ("-"; null in JSON). Errors are kept and told by table_print. */
void table_row(struct table *t);
void table_text(struct table *t, const char *text); /* NULL: empty */
void table_number(struct table *t, uint64_t value);
void table_number_if(struct table *t, bool known, uint64_t value); /* empty when it is not KNOWN */

/* Writes the table to standard output: text, or one JSON object {"LIST": [ {…}, … ]}. */
int table_print(const struct table *t, bool json, const char *list, struct error *e);

#endif
