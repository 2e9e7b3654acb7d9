#include "crypto/gpu/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "crypto/gpu/kernel_sources.hpp"
#include "salvage/core/text.hpp"

namespace salvage::crypto::gpu {
namespace {

/// Of what a driver says, so much is shown.
constexpr std::size_t longest_reason = 2000;

std::string name_of(ProgramId program)
{
    switch (program.kind) {
    case KdfKind::pbkdf2_sha1: return "pbkdf2_sha1";
    case KdfKind::pbkdf2_sha256: return "pbkdf2_sha256";
    case KdfKind::scrypt: break;
    }
    return fmt::format("scrypt_r{}", program.scrypt_r_log2);
}

std::vector<const char*> parts_of(KdfKind kind)
{
    return {kernel_text("dialect.cl"), kernel_text(kind == KdfKind::pbkdf2_sha1 ? "sha1.cl" : "sha256.cl"),
            kernel_text(kind == KdfKind::scrypt ? "scrypt.cl" : "pbkdf2.cl")};
}

} // namespace

DeviceMemory::DeviceMemory(DeviceMemory&& other) noexcept
    : session_{std::exchange(other.session_, nullptr)}, buffer_{std::exchange(other.buffer_, {})},
      size_{std::exchange(other.size_, {})}
{
}

DeviceMemory& DeviceMemory::operator=(DeviceMemory&& other) noexcept
{
    std::swap(session_, other.session_);
    std::swap(buffer_, other.buffer_);
    std::swap(size_, other.size_);
    return *this;
}

DeviceMemory::~DeviceMemory()
{
    give_back();
}

void DeviceMemory::give_back() noexcept
{
    if (auto* const session = std::exchange(session_, nullptr); session != nullptr) {
        session->give_back(std::exchange(buffer_, {}), std::exchange(size_, {}));
    }
}

Session::Session(const GpuDriver& driver) : driver_{driver}
{
    driver_.properties(driver_.context, &properties_);
    properties_.name.back() = properties_.api.back() = '\0';
    properties_.word_lanes = std::max(properties_.word_lanes, 1U);
    properties_.group_items = std::max(properties_.group_items, 1U);
    properties_.compute_units = std::clamp(properties_.compute_units, 1U, most_compute_units);
}

Session::~Session()
{
    driver_.close(driver_.context);
}

std::string Session::name() const
{
    return printable(fmt::format("{} ({})", properties_.name.data(), properties_.api.data()));
}

Error Session::failure(std::string_view what, int status) const
{
    const char* const why = driver_.why(driver_.context);
    const auto said = why == nullptr ? std::string_view{} : std::string_view{why}.substr(0, longest_reason);
    return Error{.code = ErrorCode::io,
                 .what = fmt::format("{}: {}", name(), what),
                 .why = fmt::format("status {}: {}", status, printable(said)),
                 .where = std::nullopt,
                 .hint = "the search goes on without it; the system's log may say more (dmesg)",
                 .trail = {}};
}

Result<std::vector<GpuKernel>> Session::build(ProgramId program, std::span<const char* const> names)
{
    const auto name = name_of(program);
    const auto parts = parts_of(program.kind);
    const GpuProgram wanted{.name = name.c_str(),
                            .parts = parts.data(),
                            .part_count = parts.size(),
                            .scrypt_r_log2 = program.scrypt_r_log2,
                            .ptx = kernel_text(name + ".ptx")};
    std::vector<GpuKernel> kernels(names.size());
    const int status = driver_.build(driver_.context, &wanted, names.data(), names.size(), kernels.data());
    if (status != 0) {
        auto error = failure(fmt::format("its compiler does not take our program {}", name), status);
        error.code = ErrorCode::unsupported;
        return error;
    }
    return kernels;
}

Result<DeviceMemory> Session::allocate(ByteCount size)
{
    GpuBuffer buffer{};
    const int status = driver_.allocate(driver_.context, size.value, &buffer);
    if (status != 0) {
        auto error = failure(fmt::format("it has no {} of memory left", format_size(size)), status);
        error.code = ErrorCode::no_space;
        return error;
    }
    return DeviceMemory{*this, buffer, size};
}

Result<> Session::reserve(DeviceMemory& memory, ByteCount size)
{
    if (memory.size() >= size) {
        return {};
    }
    memory.give_back(); // first: both may not fit
    memory = SALVAGE_TRY(allocate(size));
    return {};
}

Result<> Session::write(const DeviceMemory& into, ByteView bytes)
{
    const int status = driver_.write(driver_.context, into.buffer_, bytes.data(), bytes.size());
    return status == 0 ? Result<>{} : Result<>{failure("writing to its memory failed", status)};
}

Result<> Session::read(const DeviceMemory& from, ByteOffset at, std::span<std::byte> into)
{
    const int status = driver_.read(driver_.context, from.buffer_, at.value, into.data(), into.size());
    return status == 0 ? Result<>{} : Result<>{failure("reading its memory failed", status)};
}

Result<> Session::launch(GpuKernel kernel, std::span<const GpuArgument> arguments, std::uint64_t items)
{
    const auto groups = (items + properties_.group_items - 1) / properties_.group_items;
    if (groups > std::numeric_limits<std::uint32_t>::max() / properties_.group_items) {
        return invalid_argument("a launch of more than 2^32 work items", "the kernels count in 32 bits");
    }
    const int status =
        driver_.launch(driver_.context, kernel, arguments.data(), arguments.size(), static_cast<std::uint32_t>(groups));
    return status == 0 ? Result<>{} : Result<>{failure("running a kernel failed", status)};
}

void Session::give_back(GpuBuffer buffer, ByteCount size) const noexcept
{
    // A driver that fails here has nothing left that could be wiped.
    static_cast<void>(driver_.clear(driver_.context, buffer, size.value));
    driver_.release(driver_.context, buffer);
}

} // namespace salvage::crypto::gpu
