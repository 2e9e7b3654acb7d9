// nbdkit-salvage-plugin: a dump's decrypted userdata, its partitions and itself as network block devices.
//
// Contract: nbdkit-plugin(3), API version 2.  Everything is opened once, before nbdkit goes into the background, and is
// immutable from then on: so any number of threads and connections read it side by side.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <fmt/format.h>

#include "fuse/errno_of.hpp"
#include "parameters.hpp"
#include "salvage/core/text.hpp"
#include "salvage/rescue/open.hpp"
#include "salvage/rescue/open_volume.hpp"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

namespace salvage::nbdkit {
namespace {

/// What lives as long as nbdkit does: its interface knows no other place.
struct Plugin {
    Parameters parameters;
    std::vector<rescue::Device> devices;
};
Plugin& plugin()
{
    static Plugin only;
    return only;
}

int report(const Error& error)
{
    ::nbdkit_error("%s", to_string(error).c_str());
    ::nbdkit_set_error(fuse::errno_of(error.code));
    return -1;
}

/// nbdkit is written in C: no exception may reach it.
template <typename Work>
int guarded(const Work& work) noexcept
{
    try {
        const Result<> done = work();
        return done.has_value() ? 0 : report(done.error());
    } catch (const std::exception& fault) {
        ::nbdkit_error("%s", fault.what());
        ::nbdkit_set_error(ENOMEM);
        return -1;
    }
}

const rescue::Device& device_of(const void* handle)
{
    return *static_cast<const rescue::Device*>(handle);
}

/// Keeps keys out of core files.
void load()
{
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
}

void unload()
{
    plugin() = {};
}

int config(const char* key, const char* value)
{
    return guarded([&] { return plugin().parameters.take(key, value); });
}

int config_complete()
{
    return guarded([]() -> Result<> {
        if (plugin().parameters.dump.path.empty()) {
            return invalid_argument("no dump is named", {}, "nbdkit salvage file=DUMP");
        }
        return {};
    });
}

Result<rescue::OpenRequest> secrets_of(Parameters& parameters)
{
    auto out = SALVAGE_TRY(rescue::read_secret_files(parameters.secrets));
    std::ranges::move(parameters.given, std::back_inserter(out.secrets));
    parameters.given.clear();
    return out;
}

/// Userdata has to be opened only where it is what was asked for; else it is served where it opens.
Result<> open_all()
{
    auto& parameters = plugin().parameters;
    const auto request = SALVAGE_TRY(secrets_of(parameters));
    const auto opened = rescue::open_for_reading(parameters.dump, request, {});
    if (opened.has_value()) {
        plugin().devices = rescue::devices_of(opened->dump, opened->outcome.volume.get());
    } else if (parameters.what == rescue::userdata_device) {
        return opened.error();
    } else {
        const auto dump = SALVAGE_TRY(rescue::open_dump(parameters.dump));
        plugin().devices = rescue::devices_of(dump, nullptr);
        ::nbdkit_debug("userdata is not served: %s", to_string(opened.error()).c_str());
    }
    SALVAGE_TRY(rescue::find_device(plugin().devices, parameters.what));
    return {};
}

int get_ready()
{
    return guarded(open_all);
}

int list_exports(int /*readonly*/, int /*is_tls*/, nbdkit_exports* exports)
{
    for (const auto& device : plugin().devices) {
        if (::nbdkit_add_export(exports, device.name.c_str(), device.description.c_str()) != 0) {
            return -1;
        }
    }
    return 0;
}

const char* default_export(int /*readonly*/, int /*is_tls*/)
{
    return plugin().parameters.what.c_str();
}

const char* export_description(void* handle)
{
    return device_of(handle).description.c_str();
}

void* open(int /*readonly*/)
{
    std::optional<rescue::Device> found;
    const auto done = guarded([&]() -> Result<> {
        const std::string name{::nbdkit_export_name()};
        found = SALVAGE_TRY(rescue::find_device(plugin().devices, name.empty() ? plugin().parameters.what : name));
        return {};
    });
    return done == 0 ? std::make_unique<rescue::Device>(*std::move(found)).release() : nullptr;
}

void close(void* handle)
{
    const std::unique_ptr<rescue::Device> last{static_cast<rescue::Device*>(handle)};
}

std::int64_t get_size(void* handle)
{
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::min(device_of(handle).source->size().value, most));
}

int yes(void* /*handle*/)
{
    return 1;
}

int no(void* /*handle*/)
{
    return 0;
}

/// Any byte may be asked for; what is deciphered at once best is 256 KiB (fde/decrypting.cpp).
int block_size(void* /*handle*/, std::uint32_t* minimum, std::uint32_t* preferred, std::uint32_t* maximum)
{
    *minimum = 1;
    *preferred = 256U << 10U;
    *maximum = 32U << 20U; // what any server has to be able to refuse: NBD protocol, "Block size constraints"
    return 0;
}

int pread(void* handle, void* into, std::uint32_t count, std::uint64_t offset, std::uint32_t /*flags*/)
{
    return guarded([&] {
        return device_of(handle).source->read_at(ByteOffset{offset}, std::span{static_cast<std::byte*>(into), count});
    });
}

/// Unreadable areas are data here: NBD knows no others, and reading them fails.
Result<> add_extents(const rescue::Device& device, ByteRange range, bool is_one_enough, nbdkit_extents* into)
{
    constexpr auto zeros = static_cast<std::uint32_t>(NBDKIT_EXTENT_HOLE) | NBDKIT_EXTENT_ZERO;
    for (const auto& extent : SALVAGE_TRY(device.source->extents(range))) {
        const auto kind = extent.kind == io::ExtentKind::hole ? zeros : 0U;
        if (::nbdkit_add_extent(into, extent.range.start().value, extent.range.size().value, kind) != 0) {
            return Error{ErrorCode::io, "nbdkit takes no further extent", {}, std::nullopt, {}, {}};
        }
        if (is_one_enough) {
            break;
        }
    }
    return {};
}

int extents(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t flags, nbdkit_extents* into)
{
    return guarded([&]() -> Result<> {
        const auto range = ByteRange::make(ByteOffset{offset}, ByteCount{count});
        if (!range) {
            return invalid_argument("the range ends past 2^64");
        }
        return add_extents(device_of(handle), *range, (flags & NBDKIT_FLAG_REQ_ONE) != 0, into);
    });
}

nbdkit_plugin description()
{
    nbdkit_plugin out{};
    out.name = "salvage";
    out.longname = "Salvage";
    out.version = SALVAGE_VERSION;
    out.description = "userdata of an encrypted Android phone's dump, deciphered; its partitions as they are";
    out.magic_config_key = "file";
    out.load = load;
    out.unload = unload;
    out.config = config;
    out.config_complete = config_complete;
    out.config_help = parameters_help;
    out.get_ready = get_ready;
    out.list_exports = list_exports;
    out.default_export = default_export;
    out.export_description = export_description;
    out.open = open;
    out.close = close;
    out.get_size = get_size;
    out.can_multi_conn = yes;
    out.is_rotational = no;
    out.block_size = block_size;
    out.pread = pread;
    out.can_extents = yes;
    out.extents = extents;
    return out;
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): nbdkit's macro writes into it
nbdkit_plugin registered = description();

} // namespace
} // namespace salvage::nbdkit

NBDKIT_REGISTER_PLUGIN(salvage::nbdkit::registered)
