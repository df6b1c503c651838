# SPDX-License-Identifier: Apache-2.0
#
# Installing, below $(DESTDIR)$(PREFIX): the command, the library, the man page, the completion, a pkg-config file, the
# public header, the documentation.

MANUAL     := $(BUILD)/gopagewatch.1 $(BUILD)/gopagewatch.bash
HEADER     := $(wildcard include/gopagewatch.h)
DOCS       := README.md LICENSE $(wildcard docs/*.md docs/*.json)
DOC_DIR    := share/doc/gopagewatch
# A file that is built or kept here, its mode and its place.
INSTALLED  := $(BUILD)/gopagewatch:755:bin/gopagewatch $(BUILD)/libgopagewatch.so:644:lib/libgopagewatch.so \
    $(BUILD)/gopagewatch.pc:644:lib/pkgconfig/gopagewatch.pc $(BUILD)/gopagewatch.1:644:share/man/man1/gopagewatch.1 \
    $(BUILD)/gopagewatch.bash:644:share/bash-completion/completions/gopagewatch \
    $(foreach f,$(HEADER),$(f):644:$(f)) $(foreach f,$(DOCS),$(f):644:$(DOC_DIR)/$(notdir $(f)))

$(BUILD)/gopagewatch.1: $(BUILD)/gopagewatch
	$(Q)$< help --man >$@

$(BUILD)/gopagewatch.bash: $(BUILD)/gopagewatch
	$(Q)$< help --completion bash >$@

# By the PREFIX of now: made anew each time.
.PHONY: install uninstall $(BUILD)/gopagewatch.pc
$(BUILD)/gopagewatch.pc: $(BUILD)/gopagewatch
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'preload=$${prefix}/lib/libgopagewatch.so' '' 'Name: gopagewatch' \
	    'Description: where the RSS of a Go process went, page by page' "Version: $$($< --version | cut -d ' ' -f 2)" \
	    'Cflags: -I$${prefix}/include' 'Libs:' >$@.$$$$ && mv $@.$$$$ $@

install: all $(MANUAL) $(BUILD)/gopagewatch.pc ## into PREFIX (/usr/local), below DESTDIR
	$(Q)for file in $(INSTALLED); do \
	    from=$${file%%:*}; mode=$${file#*:}; to="$(DESTDIR)$(PREFIX)/$${mode#*:}"; \
	    install -D -m "$${mode%%:*}" "$$from" "$$to" || exit 1; done

uninstall: ## what install has put there
	$(Q)for file in $(INSTALLED); do rm -f "$(DESTDIR)$(PREFIX)/$${file##*:}"; done
	$(Q)rmdir "$(DESTDIR)$(PREFIX)/$(DOC_DIR)" 2>/dev/null || true
