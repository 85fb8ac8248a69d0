// SPDX-License-Identifier: GPL-2.0
/*
 * driver.c - of a porting layer: a Windows driver's entry and unload, as a Linux module's
 */
#include "ntddk.h"

static DRIVER_OBJECT driver;

static int __init layer_init(void)
{
	NTSTATUS status = DriverEntry(&driver, NULL);

	return status < 0 ? -EIO : 0;
}
module_init(layer_init);

static void __exit layer_exit(void)
{
	driver.DriverUnload(&driver);
}
module_exit(layer_exit);

MODULE_DESCRIPTION("The porting guide's driver, as it was");
MODULE_LICENSE("GPL");
