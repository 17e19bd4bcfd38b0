/* What the T6's sessions share: key memory, layer-2 entries, the control
 * queue. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "t6_drv.h"

/* --- key memory: first fit --- */

void
t6_keymem_init(struct t6_keymem *km, uint32_t size)
{
	TAILQ_INIT(&km->km_used);
	km->km_size = size;
}

struct t6_extent *
t6_key_alloc(struct t6_keymem *km, uint32_t len)
{
	struct t6_extent *e, *n;
	uint32_t addr = 0;

	TAILQ_FOREACH(e, &km->km_used, e_link) {
		if (e->e_addr - addr >= len)
			break;
		addr = e->e_addr + e->e_len;
	}
	if (e == NULL && km->km_size - addr < len)
		return (NULL);
	n = xcalloc(1, sizeof(*n));
	n->e_addr = addr;
	n->e_len = len;
	if (e != NULL)
		TAILQ_INSERT_BEFORE(e, n, e_link);
	else
		TAILQ_INSERT_TAIL(&km->km_used, n, e_link);
	km->km_count++;
	return (n);
}

struct t6_extent *
t6_key_take(struct nic *n, uint32_t len)
{
	struct nic_cmd cmd = { .c_op = T6_KEY_SLOTS };
	struct t6_softc *sc = n->n_softc;

	t6_ctrl(n, &cmd);
	if (sc->sc_keys.km_count >= cmd.c_out[0])
		return (NULL);
	return (t6_key_alloc(&sc->sc_keys, len));
}

void
t6_key_free(struct t6_keymem *km, struct t6_extent *e)
{
	if (e == NULL)
		return;
	TAILQ_REMOVE(&km->km_used, e, e_link);
	km->km_count--;
	free(e);
}

/* --- layer-2 entries --- */

/*
 * Sessions share the entries, one for each next hop. Where FreeBSD's driver
 * finds none it panics, and so does this one.
 */
uint16_t
t6_l2t_alloc(struct t6_softc *sc, const uint8_t mac[6], uint16_t vlan,
    bool *fresh)
{
	uint32_t i, unused = T6_L2T_SIZE;
	struct t6_l2 *l;

	*fresh = false;
	for (i = 0; i < T6_L2T_SIZE; i++) {
		l = &sc->sc_l2t[i];
		if (l->l_refs > 0 && l->l_vlan == vlan &&
		    memcmp(l->l_mac, mac, 6) == 0) {
			l->l_refs++;
			return ((uint16_t)i);
		}
		if (l->l_refs == 0) {
			unused = MIN(unused, i);
			if (i >= sc->sc_l2t_hint)
				break; /* never used from here on */
		}
	}
	KASSERT(unused < T6_L2T_SIZE, ("failed to allocate TLS L2TE"));
	sc->sc_l2t_hint = (uint16_t)MAX(sc->sc_l2t_hint, unused + 1);
	l = &sc->sc_l2t[unused];
	memcpy(l->l_mac, mac, 6);
	l->l_vlan = vlan;
	l->l_refs = 1;
	*fresh = true;
	return ((uint16_t)unused);
}

void
t6_l2t_release(struct t6_softc *sc, uint16_t idx)
{
	KASSERT(sc->sc_l2t[idx].l_refs > 0, ("L2T entry %u is free", idx));
	sc->sc_l2t[idx].l_refs--;
}

/*
 * Writes for which the driver awaits no answer: they cannot fail, and a
 * scenario that lets commands fail means those that are answered.
 */
void
t6_ctrl(struct nic *n, struct nic_cmd *cmd)
{
	n->n_model->nm_hw_cmd(n->n_card, cmd);
}
