/* SPDX-License-Identifier: Apache-2.0
 *
 * The page's template, as it stands in harness/html/, inside the command. The paths are from the top of the tree, where
 * make runs. STYLE_HASH and SCRIPT_HASH are what the page's policy lets in: SHA-256 of the files, in Base64.
 */
        .section .rodata

        .macro text name
        .globl  html_template_\name
        .hidden html_template_\name
        .type   html_template_\name, %object
html_template_\name:
        .endm

        .macro end name
        .byte   0
        .size   html_template_\name, .-html_template_\name
        .endm

        text    page
        .incbin "harness/html/report.html"
        end     page

        text    style
        .incbin "harness/html/report.css"
        end     style

        /* One script of several files, in the Makefile's order of HTML_SCRIPT. */
        text    script
        .incbin "harness/html/base.js"
        .incbin "harness/html/sections.js"
        .incbin "harness/html/sites.js"
        .incbin "harness/html/time_line.js"
        .incbin "harness/html/arena_map.js"
        .incbin "harness/html/report.js"
        end     script

        text    style_hash
        .ascii  STYLE_HASH
        end     style_hash

        text    script_hash
        .ascii  SCRIPT_HASH
        end     script_hash

        .section .note.GNU-stack,"",%progbits
