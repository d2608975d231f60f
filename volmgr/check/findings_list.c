/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "findings_list.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *name;
	bool note;
} faults[] = {
	[FAULT_CHANGING] = {"changing", true},
	[FAULT_SUPERBLOCK] = {"superblock", false},
	[FAULT_SLOT] = {"slot", false},
	[FAULT_DOCUMENT] = {"document", false},
	[FAULT_STATE] = {"state", false},
	[FAULT_INTENT] = {"intent", false},
	[FAULT_LEASE] = {"lease", false},
	[FAULT_LVM] = {"lvm", false},
	[FAULT_LV_UNKNOWN] = {"lv-unknown", false},
	[FAULT_LV_MISSING] = {"lv-missing", false},
	[FAULT_LV_SHORT] = {"lv-short", false},
	[FAULT_LV_LONG] = {"lv-long", false},
	[FAULT_LV_DIFFERS] = {"lv-differs", false},
	[FAULT_VOLUME_STRAY] = {"volume-stray", false},
	[FAULT_VOLUME_OWNER] = {"volume-owner", false},
	[FAULT_PV_MISSING] = {"pv-missing", false},
	[FAULT_PV_SHORT] = {"pv-short", false},
	[FAULT_PV_UNKNOWN] = {"pv-unknown", false},
	[FAULT_PV_LEFT] = {"pv-left", false},
	[FAULT_IMAGE_FILLING] = {"image-filling", false},
	[FAULT_STATUS_SLOT] = {"status-slot", false},
	[FAULT_VOLUME_SLOT] = {"volume-slot", false},
	[FAULT_HISTORY] = {"history", true},
};

const char *fault_name(enum fault f)
{
	return faults[f].name;
}

bool fault_is_note(enum fault f)
{
	return faults[f].note;
}

void findings_free(struct findings *f)
{
	free(f->v);
	*f = (struct findings){NULL, 0, false};
}

size_t findings_faults(const struct findings *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += !fault_is_note(f->v[i].fault);
	return n;
}

struct finding *finding_add(struct findings *f, enum fault fault, enum remedy remedy, const char *name, unsigned number)
{
	static struct finding nowhere;
	struct finding *v = realloc(f->v, (f->n + 1) * sizeof(*v));

	if (!v) {
		f->failed = true;
		return &nowhere;
	}
	f->v = v;
	v += f->n++;
	*v = (struct finding){.fault = fault, .remedy = remedy, .number = number};
	snprintf(v->name, sizeof(v->name), "%s", name);
	return v;
}

void finding_text(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	str_printable(f->text);
}

void finding_how(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->how, sizeof(f->how), fmt, ap);
	va_end(ap);
	str_printable(f->how);
}
