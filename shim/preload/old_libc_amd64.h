/* SPDX-License-Identifier: Apache-2.0
 *
 * One libgopagewatch.so for every glibc since 2.17: the functions of threads and of the loader are bound by the
 * versions they had before they moved into libc.so (2.34), and weakly, because an older libc has them in libpthread and
 * libdl, which a program may not load. A preloaded library with an unknown version or a missing symbol would keep
 * programs from starting.
 */
#ifndef GPW_PRELOAD_OLD_LIBC_AMD64_H
#define GPW_PRELOAD_OLD_LIBC_AMD64_H

#include <dlfcn.h>
#include <pthread.h>

__asm__(".symver pthread_create, pthread_create@GLIBC_2.2.5");
__asm__(".symver pthread_attr_setstack, pthread_attr_setstack@GLIBC_2.2.5");
__asm__(".symver dlopen, dlopen@GLIBC_2.2.5");
__asm__(".symver dlsym, dlsym@GLIBC_2.2.5");
__asm__(".symver dladdr, dladdr@GLIBC_2.2.5");

#pragma weak dlopen
#pragma weak dlsym
#pragma weak dladdr
#pragma weak pthread_create
#pragma weak pthread_attr_init
#pragma weak pthread_attr_setstack
#pragma weak pthread_attr_setdetachstate
#pragma weak pthread_attr_destroy

#endif
