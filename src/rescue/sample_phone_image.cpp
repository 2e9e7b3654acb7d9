// Volumes and firmware into the dump.
#include "sample_phone_image.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "sample_phone_crypto.hpp"
#include "sample_phone_table.hpp"

namespace salvage::rescue::sample {
namespace {

constexpr std::uint64_t copy_step = 1U << 20U;

/// Writes the 4096-byte blocks of `bytes` that hold anything.
Result<> write_data_blocks(ImageFile& dump, ByteOffset at, ByteView bytes)
{
    for (std::size_t done = 0; done < bytes.size(); done += volume_block_bytes) {
        const auto block = bytes.subspan(done, std::min<std::size_t>(volume_block_bytes, bytes.size() - done));
        if (!is_all_zero(block)) {
            SALVAGE_TRY(dump.write_at(at + ByteCount{done}, block));
        }
    }
    return {};
}

Result<> copy_plain_from(const std::filesystem::path& image, ImageFile& dump, ByteOffset at, std::uint64_t start)
{
    const auto source = SALVAGE_TRY(ImageFile::open(image));
    const auto size = SALVAGE_TRY(source.size()).value;
    Bytes buffer;
    for (auto done = start; done < size; done += buffer.size()) {
        buffer.resize(std::min(copy_step, size - done));
        SALVAGE_TRY(source.read_at(ByteOffset{done}, buffer));
        SALVAGE_TRY(write_data_blocks(dump, at + ByteCount{done}, buffer));
    }
    return {};
}

/// What the IV rule counts for the sector at `offset` of the volume.
std::uint64_t iv_number(const EncryptionJob& job, std::uint64_t offset)
{
    const auto base = job.cipher.is_iv_counted_from_disk ? job.at.value : 0;
    const bool counts_large = job.cipher.sector_bytes != lba_bytes && job.cipher.has_large_sector_ivs;
    return (base + offset) / (counts_large ? job.cipher.sector_bytes : lba_bytes);
}

/// MediaTek's header before lk, logo and the like: magic, size, name.
Bytes mediatek_image(std::string_view name, ByteView payload)
{
    constexpr std::size_t header_bytes = 512;
    Bytes out(header_bytes, std::byte{0xFF});
    store_le<std::uint32_t>(out, 0x58881688);
    store_le<std::uint32_t>(std::span{out}.subspan(4), static_cast<std::uint32_t>(payload.size()));
    std::fill_n(out.begin() + 8, 32, std::byte{0});
    std::ranges::copy(as_bytes(name), out.begin() + 8);
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
}

/// An Android boot image, version 0: 2048-byte pages, kernel and ramdisk with MediaTek headers.
Bytes boot_image(Random& random)
{
    constexpr std::size_t page = 2048;
    const auto kernel = mediatek_image("KERNEL", random.bytes(300'000));
    const auto ramdisk = mediatek_image("ROOTFS", random.bytes(100'000));
    const auto pages = [](std::size_t bytes) { return (bytes + page - 1) / page * page; };
    Bytes out(page + pages(kernel.size()) + pages(ramdisk.size()));
    std::ranges::copy(as_bytes("ANDROID!"), out.begin());
    const std::array<std::uint32_t, 8> fields{static_cast<std::uint32_t>(kernel.size()),
                                              0x40080000,
                                              static_cast<std::uint32_t>(ramdisk.size()),
                                              0x45000000,
                                              0,
                                              0x40F00000,
                                              0x44000000,
                                              page};
    for (std::size_t i = 0; i < fields.size(); ++i) {
        store_le<std::uint32_t>(std::span{out}.subspan(8 + (4 * i)), fields.at(i));
    }
    std::ranges::copy(as_bytes("bootopt=64S3,32N2,64N2"), out.begin() + 64);
    std::ranges::copy(kernel, out.begin() + page);
    std::ranges::copy(ramdisk, out.begin() + static_cast<std::ptrdiff_t>(page + pages(kernel.size())));
    return out;
}

} // namespace

Result<> copy_plain(const std::filesystem::path& image, ImageFile& dump, ByteOffset at)
{
    return copy_plain_from(image, dump, at, 0);
}

Result<> copy_encrypted(const std::filesystem::path& image, ImageFile& dump, const EncryptionJob& job,
                        const RunContext& context)
{
    const auto encryptor = SALVAGE_TRY(SectorEncryptor::make(job.cipher, job.key));
    const auto source = SALVAGE_TRY(ImageFile::open(image));
    const auto end_of_cipher = job.encrypted_upto.value_or(ByteCount{~std::uint64_t{0}}).value;
    Bytes buffer;
    for (const auto& range : job.ranges) {
        const auto end = std::min(range.end().value, end_of_cipher);
        for (auto done = range.start().value; done < end; done += buffer.size()) {
            if (context.is_stopped()) {
                return cancelled("building the sample phone");
            }
            context.progress->update(
                {.step = "build", .unit = "bytes", .done = done, .total = job.ranges.back().end().value});
            buffer.resize(std::min(copy_step, end - done));
            SALVAGE_TRY(source.read_at(ByteOffset{done}, buffer));
            for (std::size_t at = 0; at < buffer.size(); at += job.cipher.sector_bytes) {
                SALVAGE_TRY(encryptor.encrypt(iv_number(job, done + at),
                                              std::span{buffer}.subspan(at, job.cipher.sector_bytes)));
            }
            SALVAGE_TRY(dump.write_at(job.at + ByteCount{done}, buffer));
        }
    }
    return job.encrypted_upto ? copy_plain_from(image, dump, job.at, end_of_cipher) : Result<>{};
}

ByteCount middle_of(const std::vector<ByteRange>& used)
{
    std::uint64_t total = 0;
    for (const auto& range : used) {
        total += range.size().value;
    }
    auto left = total / 2 / volume_block_bytes * volume_block_bytes;
    for (const auto& range : used) {
        if (left < range.size().value) {
            return ByteCount{range.start().value + left};
        }
        left -= range.size().value;
    }
    return ByteCount{0};
}

Result<> write_firmware(ImageFile& dump, const SamplePhoneSpec& spec, const std::filesystem::path& boot1)
{
    const auto plan = make_plan(spec);
    const bool is_gpt = spec.era == SamplePhoneSpec::Era::gpt;
    auto random = SALVAGE_TRY(Random::make(spec.seed, "firmware"));
    const auto put = [&](std::string_view gpt_name, std::string_view mbr_name, ByteView bytes) {
        return dump.write_at(ByteOffset{plan.at(is_gpt ? gpt_name : mbr_name).start}, bytes);
    };
    SALVAGE_TRY(put("proinfo", "PRO_INFO", as_bytes(fmt::format("SALVAGE{:08}", spec.seed % 100'000'000))));
    SALVAGE_TRY(put("nvram", "NVRAM", random.bytes(60'000)));
    SALVAGE_TRY(put("lk", "UBOOT", mediatek_image("lk", random.bytes(200'000))));
    SALVAGE_TRY(put("boot", "BOOTIMG", boot_image(random)));
    SALVAGE_TRY(put("recovery", "RECOVERY", boot_image(random)));
    SALVAGE_TRY(put("secro", "SEC_RO", random.bytes(4096)));
    SALVAGE_TRY(put("seccfg", "SECCFG", as_bytes("AND_SECCFG_v\0\0\0\0")));

    auto region = SALVAGE_TRY(ImageFile::create(boot1, ByteCount{4U << 20U}));
    SALVAGE_TRY(region.write_at(ByteOffset{0}, as_bytes("EMMC_BOOT")));
    SALVAGE_TRY(region.write_at(ByteOffset{0x200}, as_bytes("BRLYT")));
    SALVAGE_TRY(region.write_at(ByteOffset{0x800}, as_bytes("MMM\x01")));
    return region.write_at(ByteOffset{0x900}, random.bytes(120'000));
}

} // namespace salvage::rescue::sample
