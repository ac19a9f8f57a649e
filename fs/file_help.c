// SPDX-License-Identifier: Apache-2.0
/*
 * file_help.c - `help`: how to use the tree, in one screen
 */
#include "fs/node.h"
#include "fs/text_view.h"

static const char help_text[] =
	"circuitfs: each directory is an anchor, and holds one nameserver.\n"
	"\n"
	"  mkdir ns                        start one on a free port\n"
	"  mkdir ns@127.0.0.1:5353         ... or on an address "
	"([IPv6]:PORT, :PORT, IP)\n"
	"  echo 127.0.0.1:5354 > ns/addr   move it; \"off\" stops answering\n"
	"  echo 'www.example. 300 IN A 192.0.2.1' >> ns/records    add a "
	"record\n"
	"  cp zone ns/records              replace all records as one change\n"
	"  cat ns/records ns/stat          every record: a zone file; JSON\n"
	"  cat ns/names/www.example.       one name's; > and >> edit it, mv "
	"and rm too\n"
	"  mkdir ns/zones/example.org      make a zone; rmdir removes it\n"
	"  cp db.example.org ns/zones/example.org/records    replace its "
	"records alone\n"
	"  touch ns/keys/xfr               make a key of TSIG; cat shows it\n"
	"  echo '192.0.2.2 xfr' >> ns/transfer/secondaries   let one transfer "
	"all zones\n"
	"  cat ns/error error              why a write or a mkdir failed\n"
	"  cat ns/log                      each query, as it comes\n"
	"  cat metrics                     figures, as Prometheus reads them\n"
	"  mkdir ns/sub                    anchors nest\n"
	"  rmdir ns                        stop it and discard its records; rm "
	"-r is slow\n"
	"\n"
	"Text is the zone file format of RFC 1035: origin \".\", TTL 3600. A ; "
	"begins a\n"
	"comment, so quote text that has one: x.example. TXT \"v=DKIM1; "
	"p=...\"\n"
	"What a write, a close or a mkdir did is on disk when it returns.\n"
	"More: man 5 circuitfs, man 8 circuitfs.\n";

static int help_render(struct fs *fs, const struct node *node,
		       struct buffer *out)
{
	(void)fs;
	(void)node;
	return buffer_add_text(out, help_text);
}

const struct node_kind file_help = {
	.name = "help",
	.number = 2,
	.in_host = true,
	.mask = 0444,
	.attr = text_file_attr,
	.open_size = sizeof(struct text_file),
	.close = text_file_close,
	.read = text_file_read,
	.render = help_render,
};
