/* SPDX-License-Identifier: Apache-2.0
 *
 * What a Go type is (internal/abi/type.go:Kind, reflect.Kind), of those that lead to something.
 */
#ifndef GPW_GORUNTIME_GO_KIND_H
#define GPW_GORUNTIME_GO_KIND_H

enum go_kind {
    GO_KIND_OTHER = 0, /* numbers of all sizes have their own, from 1 on */
    GO_KIND_ARRAY = 17,
    GO_KIND_CHAN,
    GO_KIND_FUNC,
    GO_KIND_INTERFACE,
    GO_KIND_MAP,
    GO_KIND_POINTER,
    GO_KIND_SLICE,
    GO_KIND_STRING,
    GO_KIND_STRUCT,
    GO_KIND_UNSAFE_POINTER,
    GO_KINDS,
};

#endif
