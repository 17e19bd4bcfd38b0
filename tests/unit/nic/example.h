/* A card model outside of the table, for nic_attach_model. */
#ifndef NIC_EXAMPLE_H
#define NIC_EXAMPLE_H

#include <ktsim/nic/nic.h>

/* Its settings, as they stand in nm_knobs. */
enum { EX_KNOB_CONTEXTS };

extern const struct nic_model nic_example;

#endif
