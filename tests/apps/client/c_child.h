/* SPDX-License-Identifier: Apache-2.0 */
#ifndef C_CHILD_H
#define C_CHILD_H

/* Forks a child that calls every function of gopagewatch.h. 0: all were inert in it; else a bit for each that was not,
 * or minus the signal that ended it. */
int c_child_fork(void);

#endif
