#include "filesystem/dos.hpp"

namespace salvage::filesystem::dos {

Result<Bytes> boot_sector_at(const io::ByteSource& source, ByteOffset at)
{
    if (at.value >= source.size().value) {
        return Bytes{};
    }
    auto bytes = io::read_up_to(source, at, ByteCount{boot_bytes});
    if (!bytes.has_value() && bytes.error().code == ErrorCode::unreadable) {
        return Bytes{};
    }
    return bytes;
}

ExtendedAttributes flags_as_attributes(std::uint32_t flags, std::span<const FlagName> names)
{
    std::string text;
    std::uint32_t named = 0;
    for (const auto& [bit, name] : names) {
        if ((flags & bit) != 0) {
            text += text.empty() ? "" : ",";
            text += name;
            named |= bit;
        }
    }
    if ((named & ~unremarkable) == 0) {
        return {};
    }
    const auto bytes = as_bytes(text);
    return {{"user.dos.attributes", Bytes{bytes.begin(), bytes.end()}}};
}

Finding cut_finding(std::string_view code, ByteCount volume, ByteCount present)
{
    auto out =
        make_finding(code, Severity::warning, "the volume is longer than what there is of it: the rest is unreadable");
    out.numbers = {{"volume_bytes", volume.value}, {"present_bytes", present.value}};
    out.where.offset = ByteOffset{present.value};
    return out;
}

} // namespace salvage::filesystem::dos
