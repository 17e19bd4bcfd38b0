/* The ideal card's hardware methods. */
#ifndef IDEAL_H
#define IDEAL_H

#include "nic_hw.h"

int ideal_hw_attach(struct nic_card *);
void ideal_hw_detach(struct nic_card *);
void ideal_hw_reset(struct nic_card *);
int ideal_hw_exec(struct nic_exec *);
void ideal_hw_cmd(struct nic_card *, struct nic_cmd *);

#endif
