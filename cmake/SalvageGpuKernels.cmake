# GPU kernels go into the crypto box as text: OpenCL compiles it on the machine it runs on.  For CUDA, a release build
# takes along what nvcc makes of it where nvcc is at hand (PTX, which any later card's driver takes); other builds rely
# on NVRTC at run time.
find_program(SALVAGE_NVCC nvcc HINTS /usr/local/cuda/bin)
option(SALVAGE_CUDA_PTX "Embed the GPU kernels compiled by nvcc, in release builds that find it" ON)

set(gpu_kernels "${PROJECT_SOURCE_DIR}/src/crypto/gpu/kernels")
set(gpu_build "${PROJECT_BINARY_DIR}/gpu_kernels")
set(gpu_texts ${gpu_kernels}/dialect.cl ${gpu_kernels}/sha1.cl ${gpu_kernels}/sha256.cl ${gpu_kernels}/pbkdf2.cl
    ${gpu_kernels}/scrypt.cl)

# salvage_ptx(PROGRAM PART…): PROGRAM.ptx, made of the parts in order.  Android's scrypt has r = 2^3.
function(salvage_ptx program)
    list(TRANSFORM ARGN PREPEND "${gpu_kernels}/" OUTPUT_VARIABLE parts)
    add_custom_command(OUTPUT "${gpu_build}/${program}.ptx"
        COMMAND sh -c "cat \"$@\" > ${program}.cu" sh ${parts}
        COMMAND ${SALVAGE_NVCC} -ptx -arch=${gpu_arch} -DSCRYPT_R_LOG2=3 ${program}.cu -o ${program}.ptx
        WORKING_DIRECTORY "${gpu_build}" DEPENDS ${parts} VERBATIM COMMENT "PTX of ${program}")
    set(gpu_texts ${gpu_texts} "${gpu_build}/${program}.ptx" PARENT_SCOPE)
endfunction()

file(MAKE_DIRECTORY "${gpu_build}")
if(SALVAGE_NVCC AND SALVAGE_CUDA_PTX AND CMAKE_BUILD_TYPE STREQUAL "Release")
    # The oldest card that this nvcc knows, from 7.0 on (shfl.sync); nvcc lists oldest first.
    execute_process(COMMAND ${SALVAGE_NVCC} --list-gpu-arch OUTPUT_VARIABLE gpu_arches ERROR_QUIET)
    string(REGEX MATCH "compute_(7|8|9|1[0-9])[0-9]" gpu_arch "${gpu_arches}")
    if(gpu_arch)
        salvage_ptx(pbkdf2_sha1 dialect.cl sha1.cl pbkdf2.cl)
        salvage_ptx(pbkdf2_sha256 dialect.cl sha256.cl pbkdf2.cl)
        salvage_ptx(scrypt_r3 dialect.cl sha256.cl scrypt.cl)
    endif()
endif()

add_custom_command(OUTPUT "${gpu_build}/kernel_sources.cpp"
    COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${gpu_build}/kernel_sources.cpp" "-DINPUTS=${gpu_texts}"
            -P "${PROJECT_SOURCE_DIR}/cmake/EmbedTexts.cmake"
    DEPENDS ${gpu_texts} "${PROJECT_SOURCE_DIR}/cmake/EmbedTexts.cmake" VERBATIM COMMENT "Embedding GPU kernels")
# PTX is longer than the strings that the standard asks of every compiler; ours take them.
set_source_files_properties("${gpu_build}/kernel_sources.cpp" PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
target_sources(salvage_crypto PRIVATE "${gpu_build}/kernel_sources.cpp")
# dlopen of a driver that may not be there.
target_link_libraries(salvage_crypto PRIVATE ${CMAKE_DL_LIBS})
