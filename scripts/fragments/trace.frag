# SPDX-License-Identifier: GPL-2.0
# tracepoints of the module, and the workqueue:* events
CONFIG_FTRACE=y
CONFIG_ENABLE_DEFAULT_TRACERS=y
