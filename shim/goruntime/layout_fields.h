/* SPDX-License-Identifier: Apache-2.0
 *
 * The fields of the Go runtime's structs that are read: the only list of them.
 *
 * `make layouts` looks each up in the DWARF of a binary of every Go version and writes the offsets and sizes to
 * layouts_ARCH.c; struct go_layout has a member for each.
 */
#ifndef GPW_GORUNTIME_LAYOUT_FIELDS_H
#define GPW_GORUNTIME_LAYOUT_FIELDS_H

/* Of a map's type: abi.SwissMapType and abi.OldMapType were there in go1.24 and go1.25, when both designs were. */
#define GPW_MAP_TYPES "internal/abi.MapType|internal/abi.SwissMapType|internal/abi.OldMapType|runtime.maptype"

/* X(member, struct, field). "a.b" is field b of the struct field a; of "a|b" the first that exists, also of structs:
 * "a|" is a struct that some versions do not have. */
#define GPW_LAYOUT_FIELDS(X)                                                     \
    X(mheap_pages, "runtime.mheap", "pages")                                     \
    X(mheap_sweepgen, "runtime.mheap", "sweepgen")                               \
    X(mheap_arenas, "runtime.mheap", "arenas")                                   \
    X(mheap_arena_list, "runtime.mheap", "heapArenas|allArenas")                 \
    X(mheap_user_arena_list, "runtime.mheap", "userArenaArenas")                 \
    X(page_alloc_summary, "runtime.pageAlloc", "summary")                        \
    X(page_alloc_chunks, "runtime.pageAlloc", "chunks")                          \
    X(page_alloc_in_use, "runtime.pageAlloc", "inUse.ranges")                    \
    X(palloc_data_alloc, "runtime.pallocData", "pallocBits")                     \
    X(palloc_data_scavenged, "runtime.pallocData", "scavenged")                  \
    X(page_cache_base, "runtime.pageCache", "base")                              \
    X(page_cache_free, "runtime.pageCache", "cache")                             \
    X(page_cache_scavenged, "runtime.pageCache", "scav")                         \
    X(heap_arena_spans, "runtime.heapArena", "spans")                            \
    X(heap_arena_inline_marks, "runtime.heapArena", "pageUseSpanInlineMarkBits") \
    X(mspan_start, "runtime.mspan", "startAddr")                                 \
    X(mspan_pages, "runtime.mspan", "npages")                                    \
    X(mspan_free_index, "runtime.mspan", "freeindex")                            \
    X(mspan_slots, "runtime.mspan", "nelems")                                    \
    X(mspan_alloc_bits, "runtime.mspan", "allocBits")                            \
    X(mspan_mark_bits, "runtime.mspan", "gcmarkBits")                            \
    X(mspan_sweepgen, "runtime.mspan", "sweepgen")                               \
    X(mspan_alloc_count, "runtime.mspan", "allocCount")                          \
    X(mspan_class, "runtime.mspan", "spanclass")                                 \
    X(mspan_state, "runtime.mspan", "state")                                     \
    X(mspan_slot_bytes, "runtime.mspan", "elemsize")                             \
    X(mspan_needs_zero, "runtime.mspan", "needzero")                             \
    X(mspan_limit, "runtime.mspan", "limit")                                     \
    X(mspan_is_user_arena, "runtime.mspan", "isUserArenaChunk")                  \
    X(mspan_large_type, "runtime.mspan", "largeType")                            \
    X(mspan_specials, "runtime.mspan", "specials")                               \
    X(special_next, "runtime.special", "next")                                   \
    X(special_offset, "runtime.special", "offset")                               \
    X(special_kind, "runtime.special", "kind")                                   \
    X(special_profile_bucket, "runtime.specialprofile", "b")                     \
    X(bucket_type, "runtime.bucket", "typ")                                      \
    X(bucket_object_bytes, "runtime.bucket", "size")                             \
    X(bucket_depth, "runtime.bucket", "nstk")                                    \
    X(hmap_count, "runtime.hmap|", "count")                                      \
    X(hmap_flags, "runtime.hmap|", "flags")                                      \
    X(hmap_log2_buckets, "runtime.hmap|", "B")                                   \
    X(hmap_buckets, "runtime.hmap|", "buckets")                                  \
    X(hmap_old_buckets, "runtime.hmap|", "oldbuckets")                           \
    X(hmap_evacuated, "runtime.hmap|", "nevacuate")                              \
    X(hmap_extra, "runtime.hmap|", "extra")                                      \
    X(mapextra_next_overflow, "runtime.mapextra|", "nextOverflow")               \
    X(mapextra_overflow, "runtime.mapextra|", "overflow")                        \
    X(mapextra_old_overflow, "runtime.mapextra|", "oldoverflow")                 \
    X(swiss_used, "internal/runtime/maps.Map|", "used")                          \
    X(swiss_directory, "internal/runtime/maps.Map|", "dirPtr")                   \
    X(swiss_directory_slots, "internal/runtime/maps.Map|", "dirLen")             \
    X(swiss_depth, "internal/runtime/maps.Map|", "globalDepth")                  \
    X(table_used, "internal/runtime/maps.table|", "used")                        \
    X(table_capacity, "internal/runtime/maps.table|", "capacity")                \
    X(table_growth_left, "internal/runtime/maps.table|", "growthLeft")           \
    X(table_depth, "internal/runtime/maps.table|", "localDepth")                 \
    X(table_groups, "internal/runtime/maps.table|", "groups.data")               \
    X(table_groups_mask, "internal/runtime/maps.table|", "groups.lengthMask")    \
    X(maptype_key, GPW_MAP_TYPES, "Key|key")                                     \
    X(maptype_element, GPW_MAP_TYPES, "Elem|elem")                               \
    X(maptype_flags, GPW_MAP_TYPES, "Flags|flags")                               \
    X(maptype_bucket, GPW_MAP_TYPES, "Group|Bucket|bucket")                      \
    X(maptype_bucket_bytes, GPW_MAP_TYPES, "GroupSize|BucketSize|bucketsize")    \
    X(maptype_key_slot_bytes, GPW_MAP_TYPES, "KeySize|keysize")                  \
    X(maptype_element_slot_bytes, GPW_MAP_TYPES, "ValueSize|elemsize")           \
    X(maptype_stride, GPW_MAP_TYPES, "SlotSize")                                 \
    X(maptype_element_offset, GPW_MAP_TYPES, "ElemOff")                          \
    X(maptype_keys_offset, GPW_MAP_TYPES, "KeysOff")                             \
    X(maptype_key_stride, GPW_MAP_TYPES, "KeyStride")                            \
    X(maptype_elements_offset, GPW_MAP_TYPES, "ElemsOff")                        \
    X(maptype_element_stride, GPW_MAP_TYPES, "ElemStride")                       \
    X(p_id, "runtime.p", "id")                                                   \
    X(p_status, "runtime.p", "status")                                           \
    X(p_mcache, "runtime.p", "mcache")                                           \
    X(mcache_alloc, "runtime.mcache", "alloc")                                   \
    X(p_page_cache, "runtime.p", "pcache")                                       \
    X(moduledata_text, "runtime.moduledata", "text")                             \
    X(moduledata_text_end, "runtime.moduledata", "etext")                        \
    X(moduledata_noptrdata, "runtime.moduledata", "noptrdata")                   \
    X(moduledata_bss, "runtime.moduledata", "bss")                               \
    X(moduledata_noptrbss_end, "runtime.moduledata", "enoptrbss")                \
    X(moduledata_types, "runtime.moduledata", "types")                           \
    X(moduledata_types_end, "runtime.moduledata", "etypes")                      \
    X(moduledata_next, "runtime.moduledata", "next")                             \
    X(gc_percent, "runtime.gcControllerState", "gcPercent")                      \
    X(gc_memory_limit, "runtime.gcControllerState", "memoryLimit")               \
    X(gc_heap_goal, "runtime.gcControllerState", "gcPercentHeapGoal|heapGoal")   \
    X(gc_sweep_min_trigger, "runtime.gcControllerState", "sweepDistMinTrigger")  \
    X(gc_triggered, "runtime.gcControllerState", "triggered")                    \
    X(gc_heap_live, "runtime.gcControllerState", "heapLive")                     \
    X(gc_heap_marked, "runtime.gcControllerState", "heapMarked")                 \
    X(gc_heap_in_use, "runtime.gcControllerState", "heapInUse")                  \
    X(gc_heap_released, "runtime.gcControllerState", "heapReleased")             \
    X(gc_heap_free, "runtime.gcControllerState", "heapFree")                     \
    X(gc_total_alloc, "runtime.gcControllerState", "totalAlloc")                 \
    X(gc_total_free, "runtime.gcControllerState", "totalFree")                   \
    X(gc_mapped_ready, "runtime.gcControllerState", "mappedReady")               \
    X(memstats_enable_gc, "runtime.mstats", "enablegc")                          \
    X(memstats_heap_in_use, "runtime.mstats", "heap_inuse")                      \
    X(memstats_heap_released, "runtime.mstats", "heap_released")                 \
    X(memstats_heap_sys, "runtime.mstats", "heap_sys")

/* X(member, struct): the size of the whole struct, 0 of one that a version does not have. */
#define GPW_LAYOUT_STRUCTS(X)                      \
    X(mheap, "runtime.mheap")                      \
    X(heap_arena, "runtime.heapArena")             \
    X(mspan, "runtime.mspan")                      \
    X(palloc_data, "runtime.pallocData")           \
    X(p, "runtime.p")                              \
    X(special_profile, "runtime.specialprofile")   \
    X(bucket, "runtime.bucket")                    \
    X(hmap, "runtime.hmap|")                       \
    X(mapextra, "runtime.mapextra|")               \
    X(swiss, "internal/runtime/maps.Map|")         \
    X(swiss_table, "internal/runtime/maps.table|") \
    X(maptype, GPW_MAP_TYPES)                      \
    X(gc_controller, "runtime.gcControllerState")

#endif
