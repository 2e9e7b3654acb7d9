// What other programs are given of a dump.
#include "salvage/rescue/open_volume.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "salvage/core/bytes.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/rescue/secrets.hpp"

namespace salvage::rescue {
namespace {

Result<GivenMasterKey> read_master_key(const SecretFiles& files)
{
    return GivenMasterKey{.key = SALVAGE_TRY(read_key_file(*files.master_key)),
                          .cipher = files.cipher,
                          .sector = files.sector,
                          .is_iv_counted_from_disk = files.is_iv_counted_from_disk};
}

Result<fde::PhoneKeys> read_phone_keys(const SecretFiles& files)
{
    if (!files.phone_enc_key || !files.phone_hmac_key) {
        return invalid_argument("one of the phone's two keys is missing", "ENC_KEY and HMAC_KEY go together");
    }
    fde::PhoneKeys out;
    out.encryption_key = SALVAGE_TRY(read_key_file(*files.phone_enc_key));
    out.hmac_key = SALVAGE_TRY(read_key_file(*files.phone_hmac_key));
    return out;
}

} // namespace

Result<OpenRequest> read_secret_files(const SecretFiles& files)
{
    OpenRequest out;
    out.measure_cost = false;
    for (const auto& path : files.secrets) {
        const auto secret = SALVAGE_TRY(read_secret_file(path));
        std::ranges::move(encodings_of(secret.expose()), std::back_inserter(out.secrets));
    }
    if (files.master_key) {
        out.master_key = SALVAGE_TRY(read_master_key(files));
    }
    if (files.phone_enc_key || files.phone_hmac_key) {
        out.phone_keys = SALVAGE_TRY(read_phone_keys(files));
    }
    return out;
}

std::vector<Device> partition_devices(const Dump& dump)
{
    std::vector<Device> out;
    for (const auto& partition : dump.layout.partitions) {
        auto source = open_partition(dump, partition);
        if (!source.has_value()) {
            continue;
        }
        out.push_back({.name = "part:" + partition.name,
                       .description = fmt::format("{} at {}, as it is in the dump",
                                                  format_size_exact((*source)->size()), format_offset(partition.start)),
                       .source = *std::move(source)});
    }
    return out;
}

std::vector<Device> devices_of(const Dump& dump, const OpenedVolume* opened)
{
    std::vector<Device> out;
    if (opened != nullptr) {
        out.push_back({.name = std::string{userdata_device},
                       .description = fmt::format("userdata in the clear: {}", opened->how),
                       .source = opened->plain});
    }
    out.push_back({.name = "dump",
                   .description = fmt::format("the whole dump, {}", format_size_exact(dump.source->size())),
                   .source = dump.source});
    for (auto& device : partition_devices(dump)) {
        const auto is_same = [&](const Device& other) { return other.name == device.name; };
        if (std::ranges::none_of(out, is_same)) {
            out.push_back(std::move(device));
        }
    }
    return out;
}

Result<Device> find_device(const std::vector<Device>& devices, std::string_view name)
{
    const auto found = std::ranges::find(devices, name, &Device::name);
    if (found != devices.end()) {
        return *found;
    }
    std::vector<std::string> names;
    names.reserve(devices.size());
    for (const auto& device : devices) {
        names.push_back(printable(device.name));
    }
    return not_found(fmt::format("nothing of this dump is called '{}'", printable(name)),
                     fmt::format("there are: {}", fmt::join(names, ", ")));
}

} // namespace salvage::rescue
