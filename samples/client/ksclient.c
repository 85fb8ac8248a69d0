// SPDX-License-Identifier: GPL-2.0
/*
 * ksclient - a client of the installed ksworker, in ten lines
 *
 * It belongs to no build of this tree: it uses what make install, DKMS and the
 * packages install, and nothing else. See README.md beside it.
 */
#include <linux/module.h>
#include <ksworker.h>

static VOID greet(PVOID who)
{
	pr_info("ksclient: hello from %s\n", (char *)who);
}

static WORK_QUEUE_ITEM item = { .WorkerRoutine = greet, .Parameter = "a KS worker" };
static PKSWORKER worker;

static int __init ksclient_init(void)
{
	NTSTATUS status = KsRegisterWorker(NormalWorkQueue, &worker);

	if (NT_SUCCESS(status))
		status = KsQueueWorkItem(worker, &item);
	if (!NT_SUCCESS(status))
		KsUnregisterWorker(worker);
	return KsStatusToErrno(status);
}
module_init(ksclient_init);

static void __exit ksclient_exit(void)
{
	KsUnregisterWorker(worker);
}
module_exit(ksclient_exit);

MODULE_DESCRIPTION("The smallest client of ksworker");
MODULE_LICENSE("GPL");
