# SPDX-License-Identifier: GPL-2.0
# big-endian. QEMU's machine "s390-ccw-virtio": its console (the line mode one breaks long lines), and
# beside it a virtio console
CONFIG_SCLP_VT220_TTY=y
CONFIG_SCLP_VT220_CONSOLE=y
CONFIG_S390_GUEST=y
CONFIG_VIRTIO_CONSOLE=y
CONFIG_MARCH_Z13=y
CONFIG_NR_CPUS=8
# the kernel has none for it
!CONFIG_SOFTLOCKUP_DETECTOR
