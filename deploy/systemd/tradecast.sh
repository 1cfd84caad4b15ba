#!/bin/sh
# tradecast - the command, with the places of the installed services.
# SPDX-License-Identifier: MIT
if [ -r /etc/tradecast/tradecast.env ]; then
	set -a
	. /etc/tradecast/tradecast.env
	set +a
fi
export TRADECAST_DIR="${TRADECAST_DIR:-/var/lib/tradecast}"
exec /usr/lib/tradecast/tradecast "$@"
