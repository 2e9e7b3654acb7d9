# SALVAGE_UNITS=N: about N sources of a target are compiled as one file, so that the headers they share are read once: a
# build from nothing takes a third of the time, a build after a change in one file more.  0, the default: each alone.
set(SALVAGE_UNITS 0 CACHE STRING "Sources compiled as one file, about; 0: each alone")
if(SALVAGE_UNITS)
    find_package(Python3 COMPONENTS Interpreter REQUIRED)
endif()

# salvage_units(TARGET SOURCE…): which sources of the target go together; those with flags of their own stay alone.
function(salvage_units target)
    list(LENGTH ARGN count)
    if(NOT SALVAGE_UNITS OR count LESS 2)
        return()
    endif()
    list(JOIN ARGN "\n" lines)
    set(list_file "${CMAKE_CURRENT_BINARY_DIR}/${target}_sources.txt")
    file(WRITE "${list_file}" "${lines}\n")
    execute_process(COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tools/source_units.py" ${SALVAGE_UNITS}
        INPUT_FILE "${list_file}" OUTPUT_VARIABLE packed COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE ";" "|" packed "${packed}")
    string(REGEX MATCHALL "[^\n]+" packed "${packed}")
    foreach(line IN LISTS packed)
        string(REGEX MATCH "^([0-9]+)\\|(.*)$" _ "${line}")
        set_source_files_properties("${CMAKE_MATCH_2}" PROPERTIES UNITY_GROUP "${CMAKE_MATCH_1}")
    endforeach()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
