// The kernels as CUDA C++, compiled at run time: for builds that had no nvcc.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crypto/gpu/cuda.hpp"
#include "salvage/core/text.hpp"

namespace salvage::crypto::gpu::cuda {
namespace {

constexpr std::size_t longest_log = 4096;
/// Our largest program is under 1 MiB.
constexpr std::size_t largest_ptx = std::size_t{64} << 20U;

std::string log_of(const Compiler& compiler, Handle program)
{
    std::size_t size = 0;
    if (compiler.log_size(program, &size) != success || size > largest_ptx) {
        return {};
    }
    std::string log(size + 1, '\0');
    if (compiler.log(program, log.data()) != success) {
        return {};
    }
    return printable(std::string_view{log.c_str()}.substr(0, longest_log));
}

Result<std::string> ptx_of(const Compiler& compiler, Handle program, std::string_view name)
{
    std::size_t size = 0;
    if (compiler.ptx_size(program, &size) != success || size == 0 || size > largest_ptx) {
        return unsupported(fmt::format("NVRTC has no PTX of our program {}", name));
    }
    std::string ptx(size, '\0');
    if (compiler.ptx(program, ptx.data()) != success) {
        return unsupported(fmt::format("NVRTC does not hand out the PTX of our program {}", name));
    }
    return ptx;
}

} // namespace

Result<std::string> compile(const Compiler& compiler, const GpuProgram& program)
{
    std::string source;
    std::for_each(program.parts, program.parts + program.part_count, [&](const char* part) { source += part; });
    Handle handle = nullptr;
    if (compiler.create(&handle, source.c_str(), program.name, 0, nullptr, nullptr) != success) {
        return unsupported(fmt::format("NVRTC does not take our program {}", program.name));
    }
    // Oldest architecture that every NVRTC from 11.2 to 13 knows; the driver compiles on for its card.
    const auto r_log2 =
        fmt::format("-DSCRYPT_R_LOG2={}", program.scrypt_r_log2 == no_scrypt ? 0 : program.scrypt_r_log2);
    const std::array<const char*, 2> options{"--gpu-architecture=compute_75", r_log2.c_str()};
    const int status = compiler.compile(handle, static_cast<int>(options.size()), options.data());
    auto ptx = status == success
                   ? ptx_of(compiler, handle, program.name)
                   : Result<std::string>{unsupported(fmt::format("NVRTC does not compile our program {}", program.name),
                                                     fmt::format("status {}: {}", status, log_of(compiler, handle)))};
    compiler.destroy(&handle);
    return ptx;
}

} // namespace salvage::crypto::gpu::cuda
