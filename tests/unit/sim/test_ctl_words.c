/* What a control line means, and what is said of one that means nothing. */
#include "ktest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/nic/nic.h>
#include <ktsim/sim/scenario.h>

#include "ctl.h"

static const char text[] = "ktls_sim: 1\n"
			   "name: words\n"
			   "hosts:\n"
			   "  server:\n"
			   "    nics: {mce0: {}, em0: {}}\n"
			   "    addresses: {mce0: 10.0.0.1/24}\n"
			   "  client:\n"
			   "    nics: {em0: {}}\n"
			   "    addresses: {em0: 10.0.0.2/24}\n"
			   "links:\n"
			   "  - {ends: [server.em0, client.em0]}\n"
			   "  - {ends: [\"tap:k0\", server.mce0]}\n"
			   "apps:\n"
			   "  web: {type: https-server, host: server}\n";

static struct scenario *sc;
static struct ctl_words cw;
static struct strbuf err;

static int
group_setup(void **state)
{
	struct strbuf file = { 0 };

	strbuf_adds(&file, text);
	if (scenario_parse("words.yaml", &file, NULL, &sc, &err) != 0)
		fail_msg("%s", strbuf_str(&err));
	return (0);
}

static int
group_teardown(void **state)
{
	scenario_free(sc);
	strbuf_fini(&err);
	return (0);
}

/* The order, or NULL when the line was refused. */
static const char *
order(const char *line)
{
	static char yaml[256];
	bool ok;

	strbuf_clear(&err);
	ok = ctl_words_parse(sc, line, &cw, &err);
	assert_true(ok == (err.sb_len == 0));
	snprintf(yaml, sizeof(yaml), "%s", strbuf_str(&cw.cw_yaml));
	ctl_words_fini(&cw);
	return (ok ? yaml : NULL);
}

static void
test_words_become_steps(void **state)
{
	static const char *const cases[][2] = {
		{ "link down mce0",
		    "{at: 0s, do: link_down, on: server.mce0}" },
		{ "  link\tup tap:k0 \r",
		    "{at: 0s, do: link_up, on: server.mce0}" },
		{ "loss client.em0 0.5%",
		    "{at: 0s, do: loss, on: client.em0, loss: 0.5%}" },
		{ "sysctl server a.b 7",
		    "{at: 0s, do: sysctl, on: server, name: a.b, value: 7}" },
		{ "ifconfig server.mce0 -txtls  mtu 900",
		    "{at: 0s, do: ifconfig, on: server.mce0, args: \"-txtls "
		    "mtu 900\"}" },
		{ "route server add 10.1.0.0/16 -interface em0",
		    "{at: 0s, do: route, on: server, args: \"add 10.1.0.0/16 "
		    "-interface em0\"}" },
		{ "switch_tls web ifnet",
		    "{at: 0s, do: switch_tls, on: web, to: ifnet}" },
		{ "switch_tls web sw 3",
		    "{at: 0s, do: switch_tls, on: web, to: sw, connection: 3}" },
		{ "card mce0 reset",
		    "{at: 0s, do: card, on: server.mce0, order: reset}" },
		{ "card tap:k0 stall 2ms",
		    "{at: 0s, do: card, on: server.mce0, order: stall, "
		    "for: 2ms}" },
		{ "card client.em0 dma-fail 3",
		    "{at: 0s, do: card, on: client.em0, order: dma-fail, "
		    "count: 3}" },
		{ "fragment server", "{at: 0s, do: fragment, on: server}" },
		{ "do loss on=server.mce0 loss=1%",
		    "{at: 0s, do: loss, on: server.mce0, loss: 1%}" },
		{ "do pacing on=web rate=1Gbit/s connection=1",
		    "{at: 0s, do: pacing, on: web, rate: 1Gbit/s, connection: 1}" },
		{ "do do=x y={a: 1, b: 2}",
		    "{at: 0s, do: x, y: {a: 1, b: 2}}" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *yaml = order(cases[i][0]);

		if (yaml == NULL)
			fail_msg("%s: %s", cases[i][0], strbuf_str(&err));
		assert_string_equal(yaml, cases[i][1]);
	}
}

static void
test_words_that_are_no_steps(void **state)
{
	static const struct {
		const char *line;
		enum ctl_kind kind;
	} cases[] = { { "status", CTL_STATUS },
		{ "status --json", CTL_STATUS_JSON }, { "stop", CTL_STOP },
		{ "help", CTL_HELP } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(ctl_words_parse(sc, cases[i].line, &cw, &err));
		assert_int_equal(cw.cw_kind, cases[i].kind);
		ctl_words_fini(&cw);
	}
	assert_true(ctl_words_parse(sc, "sysctl server x.y", &cw, &err));
	assert_int_equal(cw.cw_kind, CTL_READ_SYSCTL);
	assert_string_equal(cw.cw_host, "server");
	assert_string_equal(cw.cw_name, "x.y");
	ctl_words_fini(&cw);
}

static void
test_lines_that_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "", "an empty line" },
		{ "linq down mce0", "did you mean `link`?" },
		{ "link mce0", "write: link down|up PORT" },
		{ "link down em0", "2 hosts have a card `em0`" },
		{ "link down nic9", "no host has a card `nic9`" },
		{ "loss mce0", "write: loss PORT PERCENT" },
		{ "sysctl server", "write: sysctl HOST NAME [VALUE]" },
		{ "sysctl server a {b:", "strange character" },
		{ "switch_tls web, sw", "strange character" },
		{ "card mce0", "write: card PORT ORDER [TIME|COUNT]" },
		{ "card em0 reset", "2 hosts have a card `em0`" },
		{ "do", "write: do ACTION" },
		{ "do =3", "write: do ACTION" },
		{ "do loss on=mce0 loss=1% at=3s",
		    "an order is carried out now" },
		{ "stop now", "write: stop" },
		{ "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a "
		  "a a a",
		    "too many words" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(order(cases[i][0]));
		if (strstr(strbuf_str(&err), cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], strbuf_str(&err));
	}
}

/* An order goes through the table of keys, and a refusal is one line. */
static void
test_orders_and_their_refusals(void **state)
{
	struct strbuf diag = { 0 }, line = { 0 };
	struct sc_order *so;

	assert_int_equal(scenario_order(sc, order("loss mce0 2%"), &so, &diag),
	    0);
	assert_int_equal(so->step.action, SC_DO_LOSS);
	assert_string_equal(so->step.on, "server.mce0");
	assert_int_equal(so->step.loss, 20000000);
	scenario_order_free(so);
	assert_int_equal(scenario_order(sc, order("card mce0 stall 2ms"), &so,
			     &diag),
	    0);
	assert_int_equal(so->step.order, NIC_ORDER_STALL);
	assert_int_equal(so->step.time, 2 * SIM_MS);
	scenario_order_free(so);
	assert_int_equal(scenario_order(sc, order("card mce0 corrupt 1"), &so,
			     &diag),
	    EINVAL);
	assert_non_null(
	    strstr(strbuf_str(&diag), "which knows no order corrupt"));
	strbuf_clear(&diag);
	assert_int_equal(scenario_order(sc,
			     "{at: 0s, do: losss, on: srever.mce0, x: 1}", &so,
			     &diag),
	    EINVAL);
	ctl_one_line(strbuf_str(&diag), &line);
	assert_null(strchr(strbuf_str(&line), '\n'));
	assert_non_null(strstr(strbuf_str(&line), "did you mean `loss`?; "));
	assert_non_null(
	    strstr(strbuf_str(&line), "there is no timeline step key `x`"));
	strbuf_clear(&diag);
	assert_int_equal(scenario_order(sc,
			     "{at: 0s, do: link_down, on: server.mce0, "
			     "only: {card: t6}}",
			     &so, &diag),
	    EINVAL);
	assert_non_null(
	    strstr(strbuf_str(&diag), "an order has no cells to choose from"));
	strbuf_clear(&diag);
	assert_int_equal(scenario_order(sc, "[]", &so, &diag), EINVAL);
	strbuf_clear(&diag);
	assert_int_equal(scenario_order(sc, "{at: 0s", &so, &diag), EINVAL);
	strbuf_clear(&diag);
	assert_int_equal(scenario_order(sc,
			     "{when: \"delivered(get) >= 1\", do: link_down, "
			     "on: server.mce0}",
			     &so, &diag),
	    EINVAL);
	assert_non_null(
	    strstr(strbuf_str(&diag), "an order is carried out now"));
	strbuf_fini(&diag);
	strbuf_fini(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_become_steps),
		cmocka_unit_test(test_words_that_are_no_steps),
		cmocka_unit_test(test_lines_that_are_refused),
		cmocka_unit_test(test_orders_and_their_refusals),
	};

	return (cmocka_run_group_tests(tests, group_setup, group_teardown));
}
