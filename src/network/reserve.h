/* Private to network: ports held on the host from the start. */
#ifndef NETWORK_RESERVE_H
#define NETWORK_RESERVE_H

#include "network/address.h"
#include "network/network.h"

/* One address of one published port. */
struct reserve {
	int fd;      /* bound; listening only while the forwarder serves it */
	size_t port; /* index into the configuration's ports */
	uint16_t number;
	struct netlink_address address;
	bool forwarded; /* the forwarder serves what the kernel cannot */
	bool remote;    /* the kernel takes remote clients, not only this host's own */
	bool listening;
};

/* Binds every address of every port; the caller frees *ret by reserve_done. */
int reserve_ports(const struct network_config *config, struct reserve **ret, size_t *ret_count,
	struct error *err);

/* Lets clients in, or refuses them again; those that are in stay. */
int reserve_open(struct reserve *reserve, struct error *err);
void reserve_close(struct reserve *reserve);

void reserve_done(struct reserve *reserves, size_t count);

#endif
