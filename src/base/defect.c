#include <string.h>

#include <ktsim/base/defect.h>

const struct defect_info defect_catalogue[DEFECT_COUNT] = {
#define DEFECT(sym, name, invariant, text) \
	[DEFECT_##sym] = { name, invariant, text },
#include <ktsim/base/defects.def>
#undef DEFECT
};

void
defect_set(struct defects *df, enum defect d)
{
	df->df_bits[d / 64] |= 1ULL << (d % 64);
}

int
defect_find(const char *name)
{
	for (int i = 0; i < DEFECT_COUNT; i++)
		if (strcmp(defect_catalogue[i].di_name, name) == 0)
			return (i);
	return (-1);
}
