# Run by cpack on what is to become the package: where Debian differs from other installations.
if(CPACK_GENERATOR STREQUAL "DEB")
	set(zsh ${CPACK_TEMPORARY_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}/share/zsh)
	# site-functions are the administrator's, in /usr/local: zsh does not look there below /usr.
	file(RENAME ${zsh}/site-functions ${zsh}/vendor-completions)
endif()
