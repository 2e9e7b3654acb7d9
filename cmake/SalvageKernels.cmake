# Files compiled for one instruction set each; which of them runs is chosen at run time (src/crypto/kdf/selection.cpp).
# Included after the box is made.  Of the options that tune, each was measured; see docs/adr/0007-per-isa-kernels.md.
set(kernels "${PROJECT_SOURCE_DIR}/src/crypto/kdf")
set(tuning_pbkdf2 $<$<CXX_COMPILER_ID:GNU>:-fno-tree-reassoc>)
set(tuning_scrypt $<$<CXX_COMPILER_ID:GNU>:-fno-tree-reassoc -fschedule-insns -fsched-pressure>)
# UBSan checks every one of some ten thousand unrolled steps, and the compiler takes minutes for it.  ASan stays on.
if(SALVAGE_SANITIZE MATCHES "undefined")
    list(APPEND tuning_pbkdf2 -fno-sanitize=undefined)
    list(APPEND tuning_scrypt -fno-sanitize=undefined)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    set(flags_sse2 -mtune=znver3)
    set(flags_sha_ni -msha -mavx -mtune=znver3)
    set(flags_avx2 -mavx2 -mtune=znver3)
    set(flags_avx512 -mavx512f -mavx512bw -mavx512vl -mtune=znver3)
endif()
foreach(isa portable sse2 sha_ni avx2 avx512 neon)
    foreach(kdf pbkdf2 scrypt)
        if(EXISTS "${kernels}/${kdf}_${isa}.cpp")
            set_source_files_properties("${kernels}/${kdf}_${isa}.cpp" PROPERTIES
                COMPILE_OPTIONS "${flags_${isa}};${tuning_${kdf}}")
        endif()
    endforeach()
endforeach()
