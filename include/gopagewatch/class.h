/* SPDX-License-Identifier: Apache-2.0
 *
 * The classes of memory: every resident byte of a process belongs to exactly one.
 *
 * This table is the only list of them. The join counts by it, the dump writes its names, the command explains with its
 * sentences, the documentation and the JSON Schema are checked against it.
 */
#ifndef GOPAGEWATCH_CLASS_H
#define GOPAGEWATCH_CLASS_H

/* X(identifier, name, meaning) in the order of a report. */
#define GPW_MEMORY_CLASSES(X)                                                                                     \
    X(GO_OBJECTS, "go.objects", "slots of in-use spans that hold an allocated object")                            \
    X(GO_UNUSED, "go.unused", "the rest of in-use spans: free slots and tail waste")                              \
    X(GO_STACKS, "go.stacks", "spans that hold goroutine stacks")                                                 \
    X(GO_FREE, "go.free", "free in Go's page allocator, not given back yet")                                      \
    X(GO_HEAP, "go.heap", "arena pages whose span is not known")                                                  \
    X(GO_RELEASED, "go.released", "scavenged: Go counts it as given back to the OS")                              \
    X(GO_RESERVED, "go.reserved", "arena address space that Go has not put to use yet")                           \
    X(GO_METADATA, "go.metadata", "what the Go runtime maps outside its arenas: span tables, bitmaps, summaries") \
    X(GO_IMAGE, "go.image", "the module that holds the Go runtime: text, rodata, data, bss")                      \
    X(C_HEAP_USED, "c.heap.used", "malloc's memory that is allocated")                                            \
    X(C_HEAP_FREE, "c.heap.free", "malloc's memory that is free but kept")                                        \
    X(C_MMAP, "c.mmap", "anonymous mappings made from C")                                                         \
    X(THREAD_STACKS, "thread.stacks", "pthread stacks and the main stack")                                        \
    X(LIBS, "libs", "the other shared objects and the loader's memory for them")                                  \
    X(FILES, "files", "other file-backed and shared mappings")                                                    \
    X(SHIM, "shim", "gopagewatch's own memory")                                                                   \
    X(OTHER, "other", "what nothing above explains")

enum memory_class {
#define X(id, name, meaning) CLASS_##id,
    GPW_MEMORY_CLASSES(X)
#undef X
        CLASS_COUNT
};

#endif
