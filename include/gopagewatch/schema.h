/* SPDX-License-Identifier: Apache-2.0
 *
 * What the shim writes and the command reads: the dump's schema and the product's version.
 * Within schema 1 keys are only added; see docs/dump-format.md.
 */
#ifndef GOPAGEWATCH_SCHEMA_H
#define GOPAGEWATCH_SCHEMA_H

#define GPW_VERSION "0.1.0"
#define GPW_VERSION_DATE "2026-11-24" /* of its man page */
#define GPW_DUMP_SCHEMA "gopagewatch.dump/1"
#define GPW_DUMP_SCHEMA_PREFIX "gopagewatch.dump/"
#define GPW_DUMP_SCHEMA_MAJOR 1

#endif
