# The real readers of each format, on the reports of real programs, and a browser on the pages.
#
# What is missing (a program, an npm package, the registry) makes its tests skipped, never passed.
add_executable(hostile consumers/hostile.c)
target_link_libraries(hostile PRIVATE socklint_warnings)
target_include_directories(hostile PRIVATE ${PROJECT_SOURCE_DIR}/shim/include)
target_compile_options(hostile PRIVATE -O1 -g)

set(consumers ${CMAKE_CURRENT_SOURCE_DIR}/consumers)
add_test(NAME consumers.install COMMAND ${consumers}/install ${PROJECT_BINARY_DIR})
set_tests_properties(consumers.install PROPERTIES
	SKIP_RETURN_CODE 77 TIMEOUT 300 COST 2000 FIXTURES_SETUP consumers_packages)
add_test(NAME consumers.record COMMAND ${consumers}/run ${PROJECT_BINARY_DIR} consumers/record.mjs)
set_tests_properties(consumers.record PROPERTIES
	SKIP_RETURN_CODE 77 TIMEOUT 300 COST 1500
	FIXTURES_REQUIRED consumers_packages FIXTURES_SETUP consumers_reports)

function(socklint_reader_test name)
	add_test(NAME ${name} COMMAND ${consumers}/run ${PROJECT_BINARY_DIR} ${ARGN})
	set_tests_properties(${name} PROPERTIES
		SKIP_RETURN_CODE 77 TIMEOUT 600 COST 500 FIXTURES_REQUIRED consumers_reports)
endfunction()

file(STRINGS ${consumers}/rows rows REGEX "^[a-z]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${consumers}/rows)
foreach(row IN LISTS rows)
	string(REPLACE " " ";" row "${row}")
	list(JOIN row "." name)
	string(REGEX REPLACE "^consumers.html" browser name consumers.${name})
	socklint_reader_test(${name} consumers/judge.mjs ${row})
endforeach()
