/* The cards there are. A new one is a file with its constant table, and a
 * line here. */
#include <string.h>

#include <ktsim/nic/nic.h>

extern const struct nic_model nic_basic, nic_ideal, nic_cx6dx, nic_t6;

const struct nic_model *const nic_models[] = { &nic_basic, &nic_ideal,
	&nic_cx6dx, &nic_t6, NULL };

const struct nic_model *
nic_model_find(const char *name)
{
	for (unsigned i = 0; nic_models[i] != NULL; i++)
		if (strcmp(nic_models[i]->nm_name, name) == 0)
			return (nic_models[i]);
	return (NULL);
}
