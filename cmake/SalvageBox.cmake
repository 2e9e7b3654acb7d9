# What every target of the house has in common.
include(SalvageUnits)

add_library(salvage_warnings INTERFACE)
target_compile_options(salvage_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wcast-qual -Wnon-virtual-dtor
    -Woverloaded-virtual -Wformat=2 -Wundef
    # g++ 12 reports reads of empty optionals and freed vectors in std code it inlined; clang and the sanitizers do not.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds -Wno-restrict -Wno-stringop-overread>
    # Of several sources compiled as one file, what the next one declares for itself is not what this one shadows.
    $<$<BOOL:${SALVAGE_UNITS}>:-Wno-shadow>
    $<$<AND:$<BOOL:${SALVAGE_UNITS}>,$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>
    $<$<BOOL:${SALVAGE_WERROR}>:-Werror>)

add_library(salvage_build INTERFACE)
target_compile_features(salvage_build INTERFACE cxx_std_23)
target_compile_options(salvage_build INTERFACE "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
if(SALVAGE_SANITIZE)
    target_compile_options(salvage_build INTERFACE
        -fsanitize=${SALVAGE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(salvage_build INTERFACE -fsanitize=${SALVAGE_SANITIZE})
    target_compile_definitions(salvage_build INTERFACE _GLIBCXX_ASSERTIONS)
endif()
if(SALVAGE_FUZZ)
    target_compile_options(salvage_build INTERFACE -fsanitize=fuzzer-no-link)
endif()

# salvage_box(NAME LINKS …): the library salvage::NAME from src/NAME and include/salvage/NAME.
function(salvage_box name)
    cmake_parse_arguments(BOX "" "" "LINKS" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.cpp")
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/salvage/${name}/*.hpp")
    add_library(salvage_${name} STATIC ${sources})
    add_library(salvage::${name} ALIAS salvage_${name})
    salvage_units(salvage_${name} ${sources})
    target_sources(salvage_${name} PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${headers})
    target_include_directories(salvage_${name} PRIVATE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(salvage_${name} PRIVATE $<BUILD_INTERFACE:salvage_warnings> PUBLIC salvage_build ${BOX_LINKS})
    set_target_properties(salvage_${name} PROPERTIES
        EXPORT_NAME ${name} CXX_EXTENSIONS OFF VERIFY_INTERFACE_HEADER_SETS ON LINKER_LANGUAGE CXX)
    set_property(GLOBAL APPEND PROPERTY SALVAGE_BOXES salvage_${name})
endfunction()

# salvage_test(NAME SOURCES … LINKS … LABEL … LOCK …): a GoogleTest program whose cases CTest knows one by one.  Those of
# one LOCK never run side by side.
function(salvage_test name)
    cmake_parse_arguments(TEST "" "LABEL;TIMEOUT;LOCK" "SOURCES;LINKS" ${ARGN})
    if(NOT TEST_TIMEOUT)
        set(TEST_TIMEOUT 120)
    endif()
    if(SALVAGE_SANITIZE)
        math(EXPR TEST_TIMEOUT "3 * ${TEST_TIMEOUT}")
    endif()
    add_executable(${name} ${TEST_SOURCES})
    salvage_units(${name} ${TEST_SOURCES})
    target_link_libraries(${name} PRIVATE salvage_warnings salvage_build ${TEST_LINKS} GTest::gtest_main)
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests" "${PROJECT_SOURCE_DIR}/src")
    # What is under test is optimised as people get it; optimising the tests themselves takes longer than they run.
    if(SALVAGE_SANITIZE)
        target_compile_options(${name} PRIVATE -O0)
    else()
        target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
    endif()
    target_compile_definitions(${name} PRIVATE SALVAGE_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data"
                                               SALVAGE_FOREIGN_DATA="${PROJECT_SOURCE_DIR}/../shared/data")
    set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
    include(GoogleTest)
    set(properties LABELS "${TEST_LABEL}" TIMEOUT ${TEST_TIMEOUT})
    if(TEST_LOCK)
        list(APPEND properties RESOURCE_LOCK ${TEST_LOCK})
    endif()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES ${properties})
endfunction()
