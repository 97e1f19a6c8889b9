/* Heads of packets as an app may send them, in a message as the kernel makes it around them. */
#include "fuzz.h"

#include "kernel/nflog.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

static void check(void *context, const struct nflog_packet *packet)
{
	fuzz_require(
		packet->to.family == AF_INET || packet->to.family == AF_INET6, "no address", NULL);
	fuzz_require(packet->in == 101, "another interface", NULL);
	fuzz_require(++*(unsigned *)context == 1, "two packets of one", NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 128); /* of just the size: what is read beyond is found */
	struct nlmsghdr *message;
	unsigned count = 0;

	if (!text)
		abort();
	message = mnl_nlmsg_put_header(text);
	message->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;
	(void)mnl_nlmsg_put_extra_header(message, sizeof(struct nfgenmsg));
	mnl_attr_put_u32(message, NFULA_IFINDEX_INDEV, htonl(101));
	mnl_attr_put(message, NFULA_PAYLOAD, size, data);
	text = realloc(text, message->nlmsg_len);
	if (!text)
		abort();
	nflog_take(text, ((struct nlmsghdr *)(void *)text)->nlmsg_len, check, &count);
	free(text);
	return 0;
}
