/* SPDX-License-Identifier: MIT */
/*
 * SARIF 2.1.0, as GitHub's code scanning takes it in. It rejects a whole file for one result
 * without a place, so what has none below the source root is left out and counted.
 */
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "json.h"
#include "sarif_flow.h"
#include "sarif_parts.h"
#include "text.h"

#define RESULTS_MAX 25000

static const char left_out_id[] = "left-out", blind_id[] = "blind";

/* ---- rules -------------------------------------------------------------------------------- */

static json_t *rule(const struct report_rule *r)
{
	json_t *o = json_object(), *level = json_object(), *properties = json_object();
	json_t *tags = json_array();
	char *title = xstrfmt("%s.", r->title);

	json_put_text(o, "id", r->id);
	json_put(o, "shortDescription", sarif_own_message(title));
	json_put(o, "fullDescription", sarif_own_message(title));
	json_put(o, "help", sarif_own_message(r->help));
	json_put_text(level, "level", r->severity);
	json_put(o, "defaultConfiguration", level);
	json_add(tags, json_string("reliability"));
	json_add(tags, json_string("resource-leak"));
	json_put(properties, "tags", tags);
	json_put_text(properties, "precision", "very-high");
	json_put_text(properties, "problem.severity",
		      strcmp(r->severity, "note") ? r->severity : "recommendation");
	json_put(o, "properties", properties);
	free(title);
	return o;
}

static json_t *tool(const struct report *r)
{
	json_t *o = json_object(), *driver = json_object();

	json_put_text(driver, "name", "socklint");
	json_put_text(driver, "semanticVersion", SOCKLINT_VERSION);
	json_put(driver, "rules", json_each(rule, r->rules, r->nr_rules));
	json_put(o, "driver", driver);
	return o;
}

/* ---- results ------------------------------------------------------------------------------ */

static size_t rule_index(const struct report *r, const char *id)
{
	size_t i;

	for (i = 0; i < r->nr_rules; i++)
		if (!strcmp(r->rules[i].id, id))
			return i;
	return SIZE_MAX;
}

static json_t *message(const struct report_finding *f)
{
	char *headline = report_headline(f);
	char *text = xstrfmt("%s. %s To do: %s.", headline, f->meaning, f->advice);
	json_t *o = sarif_message(text);

	free(headline);
	free(text);
	return o;
}

static json_t *first_place(const struct report_finding *f)
{
	json_t *all = json_array(), *place = sarif_location(report_anchor(f), NULL);
	json_t *functions = json_array(), *function = json_object();

	json_put_text(function, "fullyQualifiedName", f->function);
	json_put_text(function, "kind", "function");
	json_add(functions, function);
	json_put(place, "logicalLocations", functions);
	json_add(all, place);
	return all;
}

static json_t *related_places(const struct report_finding *f)
{
	json_t *all = json_array();
	size_t i;

	for (i = 1; i < f->nr_stacks; i++) {
		const struct report_frame *at = report_source_frame(&f->stacks[i]);

		if (at)
			json_add(all, sarif_location(at, f->stacks[i].label));
	}
	return all;
}

static json_t *fingerprint(const struct report_id *id)
{
	return json_clean_string(id->id);
}

static json_t *properties(const struct report_finding *f)
{
	json_t *o = json_object();

	json_put_text(o, "kind", f->subkind);
	json_put(o, "fingerprints", json_each(fingerprint, f->ids, f->nr_ids));
	json_put_flag(o, "fails", f->fails);
	return o;
}

static void put_baseline_state(json_t *o, const struct report_finding *f)
{
	static const char *const names[] = {[STANDING_NEW] = "new",
					    [STANDING_KNOWN] = "unchanged",
					    [STANDING_GROWN] = "updated"};

	json_put_text(o, "baselineState", names[f->standing]);
}

/* All results have it, or none. */
static bool has_baseline(const struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_findings; i++)
		if (r->findings[i].standing != STANDING_NEW)
			return true;
	return false;
}

static json_t *result(const struct report *r, const struct report_finding *f, const char *key)
{
	json_t *o = json_object(), *prints = json_object(), *flows = sarif_code_flows(f);

	json_put_text(o, "ruleId", f->rule);
	json_put_index(o, "ruleIndex", rule_index(r, f->rule));
	json_put_text(o, "level", f->severity);
	json_put(o, "message", message(f));
	json_put(o, "locations", first_place(f));
	json_put(o, "relatedLocations", related_places(f));
	json_put_text(prints, "socklintStack/v1", key);
	json_put(o, "partialFingerprints", prints);
	json_put_number(o, "occurrenceCount", f->nr);
	if (flows)
		json_put(o, "codeFlows", flows);
	if (has_baseline(r))
		put_baseline_state(o, f);
	json_put(o, "properties", properties(f));
	return o;
}

/* Returns how many were left out. */
static size_t add_results(json_t *results, const struct report *r)
{
	char(*keys)[REPORT_KEY] = report_keys(r);
	size_t i, nr = 0;

	for (i = 0; i < r->nr_findings; i++) {
		if (nr == RESULTS_MAX || !report_anchor(&r->findings[i]))
			continue;
		json_add(results, result(r, &r->findings[i], keys[i]));
		nr++;
	}
	free(keys);
	return r->nr_findings - nr;
}

/* ---- the run ------------------------------------------------------------------------------ */

static json_t *notification(const char *id, const char *text)
{
	json_t *o = json_object(), *descriptor = json_object();

	json_put_text(descriptor, "id", id);
	json_put(o, "descriptor", descriptor);
	json_put_text(o, "level", "warning");
	json_put(o, "message", sarif_message(text));
	return o;
}

static json_t *left_out_notes(size_t left_out)
{
	json_t *all = json_array();
	char *text;

	if (!left_out)
		return all;
	text = xstrfmt("%zu of the findings are not in this file: they have no place below the "
		       "source root (--source-root, --path-map), or there are too many.",
		       left_out);
	json_add(all, notification(left_out_id, text));
	free(text);
	return all;
}

static json_t *blind_note(char *const *warning)
{
	char *text = xstrfmt("%s.", *warning);
	json_t *o = notification(blind_id, text);

	free(text);
	return o;
}

static json_t *invocations(const struct report *r, size_t left_out)
{
	json_t *all = json_array(), *o = json_object();

	json_put_flag(o, "executionSuccessful", true);
	json_put_time(o, "startTimeUtc", r->start_at);
	json_put_time(o, "endTimeUtc", r->now_at);
	json_put(o, "toolExecutionNotifications", left_out_notes(left_out));
	json_put(o, "toolConfigurationNotifications",
		 json_each(blind_note, r->warnings, r->nr_warnings));
	json_add(all, o);
	return all;
}

static json_t *run(const struct report *r)
{
	json_t *o = json_object(), *results = json_array(), *automation = json_object();
	size_t left_out = add_results(results, r);

	json_put(o, "tool", tool(r));
	json_put(o, "invocations", invocations(r, left_out));
	json_put_text(automation, "id", "socklint/");
	json_put(o, "automationDetails", automation);
	json_put_text(o, "columnKind", "utf16CodeUnits");
	json_put(o, "results", results);
	return o;
}

static void render(FILE *out, const struct report *r, const struct render_options *how)
{
	json_t *o = json_object(), *runs = json_array();

	(void)how;
	json_add(runs, run(r));
	json_put_text(o, "$schema",
		      "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
		      "sarif-schema-2.1.0.json");
	json_put_text(o, "version", "2.1.0");
	json_put(o, "runs", runs);
	json_write(out, o);
}

DEFINE_FORMAT(sarif, render, true);
