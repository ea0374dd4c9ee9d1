/* SPDX-License-Identifier: MIT */
/* What the kernel knows of TCP sockets right now. */
#include "tcp_table.h"

#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "text.h"

static struct tcp_entry *add_entry(struct tcp_table *t)
{
	ALLOC_GROW(t->entries, t->nr + 1, t->alloc);
	memset(&t->entries[t->nr], 0, sizeof(*t->entries));
	t->sorted = false;
	return &t->entries[t->nr++];
}

/* ---- sock_diag --------------------------------------------------------------------------- */

static int take_attribute(const struct nlattr *attr, void *data)
{
	struct tcp_entry *e = data;
	struct tcp_info info;
	size_t len = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) != INET_DIAG_INFO)
		return MNL_CB_OK;
	memset(&info, 0, sizeof(info));
	memcpy(&info, mnl_attr_get_payload(attr), len < sizeof(info) ? len : sizeof(info));
	e->last_ack_ms = info.tcpi_last_ack_recv;
	e->has_last_ack = true;
	return MNL_CB_OK;
}

static int take_message(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	struct tcp_entry *e;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
		return MNL_CB_OK;
	e = add_entry(data);
	e->inode = m->idiag_inode;
	e->cookie = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0];
	e->receive_queue = m->idiag_rqueue;
	e->send_queue = m->idiag_wqueue;
	e->state = m->idiag_state;
	mnl_attr_parse(nlh, sizeof(*m), take_attribute, e);
	return MNL_CB_OK;
}

static int send_question(struct mnl_socket *nl, uint8_t family)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *q;

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = family;
	q = mnl_nlmsg_put_extra_header(nlh, sizeof(*q));
	q->sdiag_family = family;
	q->sdiag_protocol = IPPROTO_TCP;
	q->idiag_ext = 1 << (INET_DIAG_INFO - 1);
	/* What is in TIME_WAIT has no descriptor any more, and there may be very much of it. */
	q->idiag_states = ~(UINT32_C(1) << TCP_TIME_WAIT);
	return mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0 ? -1 : 0;
}

static int ask_family(struct tcp_table *t, struct mnl_socket *nl, uint8_t family)
{
	char buf[32768];
	ssize_t n;
	int more = MNL_CB_OK;

	if (send_question(nl, family))
		return -1;
	while (more == MNL_CB_OK) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0)
			return -1;
		more = mnl_cb_run(buf, (size_t)n, family, mnl_socket_get_portid(nl), take_message,
				  t);
	}
	return more < 0 ? -1 : 0;
}

int tcp_table_read_diag(struct tcp_table *t)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	int error = -1;

	if (!nl)
		return -1;
	if (!mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID))
		error = ask_family(t, nl, AF_INET) | ask_family(t, nl, AF_INET6);
	mnl_socket_close(nl);
	return error;
}

/* ---- /proc ------------------------------------------------------------------------------- */

static void take_line(struct tcp_table *t, const char *line)
{
	unsigned int state;
	uint32_t tx, rx;
	uint64_t inode;
	struct tcp_entry *e;

	if (sscanf(line,
		   " %*u: %*[0-9A-Fa-f]:%*x %*[0-9A-Fa-f]:%*x %x %" SCNx32 ":%" SCNx32
		   " %*x:%*x %*x %*u %*u %" SCNu64,
		   &state, &tx, &rx, &inode) != 4 ||
	    !inode)
		return;
	e = add_entry(t);
	e->inode = inode;
	e->state = (uint8_t)state;
	e->send_queue = tx;
	e->receive_queue = rx;
}

static int read_proc_file(struct tcp_table *t, uint32_t pid, const char *name)
{
	char *path = xstrfmt("/proc/%u/net/%s", pid, name);
	FILE *in = fopen(path, "re");
	char line[512];

	free(path);
	if (!in)
		return -1;
	while (fgets(line, sizeof(line), in))
		take_line(t, line);
	fclose(in);
	return 0;
}

int tcp_table_read_proc(struct tcp_table *t, uint32_t pid)
{
	/* tcp6 is not there where IPv6 is off. */
	read_proc_file(t, pid, "tcp6");
	return read_proc_file(t, pid, "tcp");
}

/* ---- look-up ----------------------------------------------------------------------------- */

static int cmp_entries(const void *a, const void *b)
{
	const struct tcp_entry *x = a, *y = b;

	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

const struct tcp_entry *tcp_table_find(struct tcp_table *t, uint64_t inode)
{
	struct tcp_entry key = {.inode = inode};

	if (!t->sorted)
		sort_array(t->entries, t->nr, sizeof(*t->entries), cmp_entries);
	t->sorted = true;
	if (!t->nr)
		return NULL;
	return bsearch(&key, t->entries, t->nr, sizeof(*t->entries), cmp_entries);
}

void tcp_table_release(struct tcp_table *t)
{
	free(t->entries);
	memset(t, 0, sizeof(*t));
}
