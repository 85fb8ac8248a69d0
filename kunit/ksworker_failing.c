// SPDX-License-Identifier: GPL-2.0
/*
 * While this is loaded, a kernel function that ksworker's load needs fails: the
 * parameter "function" says which. See scripts/guest/load.sh.
 *
 * A probe at its first instruction sends the CPU to a function of ours instead,
 * which returns to the caller. Why not fail_function: it asks for a random number
 * in the probe's handler, which lockdep objects to (6.12).
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>

static char *function = "alloc_workqueue";
module_param(function, charp, 0444);
MODULE_PARM_DESC(function, "alloc_workqueue or register_module_notifier");

static int pass;
module_param(pass, int, 0444);
MODULE_PARM_DESC(pass, "how many calls do not fail");

static void *failing_pointer(void)
{
	return NULL;
}

static int failing_error(void)
{
	return -ENOMEM;
}

static unsigned long failing_instead;

static int failing_enter(struct kprobe *probe, struct pt_regs *regs)
{
	if (pass-- > 0)
		return 0;
	instruction_pointer_set(regs, failing_instead);
	return 1;
}

/* That there is one keeps the kernel from turning the probe into a jump, which comes back. */
static void failing_leave(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe failing_probe = {
	.pre_handler = failing_enter,
	.post_handler = failing_leave,
};

static int __init failing_init(void)
{
	if (!strcmp(function, "alloc_workqueue"))
		failing_instead = (unsigned long)failing_pointer;
	else if (!strcmp(function, "register_module_notifier"))
		failing_instead = (unsigned long)failing_error;
	else
		return -EINVAL;
	failing_probe.symbol_name = function;
	return register_kprobe(&failing_probe);
}

static void __exit failing_exit(void)
{
	unregister_kprobe(&failing_probe);
}

module_init(failing_init);
module_exit(failing_exit);
MODULE_DESCRIPTION("Makes a function that ksworker's load needs fail");
MODULE_LICENSE("GPL");
