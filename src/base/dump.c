#include <inttypes.h>

#include <ktsim/base/dump.h>

void
dump_flags(struct strbuf *sb, uint64_t bits, const struct dump_flag *names,
    size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((bits & names[i].df_bit) != 0) {
			strbuf_addf(sb, " %s", names[i].df_name);
			bits &= ~names[i].df_bit;
		}
	if (bits != 0)
		strbuf_addf(sb, " %#" PRIx64, bits);
}

void
dump_time(struct strbuf *sb, simtime_t t)
{
	unsigned ps = (unsigned)(t % SIM_US);
	int digits = 6;

	strbuf_addf(sb, "%" PRIu64, t / SIM_US);
	if (ps != 0) {
		for (; ps % 10 == 0; ps /= 10)
			digits--;
		strbuf_addf(sb, ".%0*u", digits, ps);
	}
	strbuf_adds(sb, "us");
}

void
dump_event(struct strbuf *sb, const char *name, const struct sim_event *ev)
{
	if (!sim_event_pending(ev))
		return;
	strbuf_addf(sb, " %s@", name);
	dump_time(sb, ev->ev_when);
}
