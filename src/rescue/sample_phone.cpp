// Building the sample phone, from its files to the damage done to its dump.
#include "salvage/rescue/sample_phone.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "sample_phone_crypto.hpp"
#include "sample_phone_f2fs.hpp"
#include "sample_phone_footer.hpp"
#include "sample_phone_image.hpp"
#include "sample_phone_table.hpp"
#include "sample_phone_tools.hpp"
#include "sample_phone_tree.hpp"
#include "sample_phone_volume.hpp"

namespace salvage::rescue {
namespace {

using namespace sample; // the parts of this very builder
namespace fs = std::filesystem;

constexpr std::uint64_t mebibyte = 1U << 20U;
constexpr std::uint64_t tail_bytes = footer_area_bytes;
constexpr std::uint32_t flag_interrupted = 0x2;
constexpr std::uint32_t flag_not_yet_encrypted = 0x10;

Result<> check(const SamplePhoneSpec& spec)
{
    constexpr std::uint64_t least_userdata = 24 * mebibyte;
    constexpr std::uint64_t most_userdata = std::uint64_t{64} << 30U;
    const auto size = spec.userdata_size.value;
    if (size < least_userdata || size > most_userdata || size % mebibyte != 0) {
        return invalid_argument("the sample phone's userdata has an impossible size",
                                fmt::format("{} bytes; a multiple of 1 MiB from 24 MiB to 64 GiB is wanted", size));
    }
    const bool is_f2fs = spec.content.volume == SampleContent::Volume::f2fs;
    if (is_f2fs && (size < least_f2fs_bytes.value || spec.content.has_dirty_journal)) {
        return invalid_argument("the sample phone's userdata cannot be f2fs",
                                "that needs 72 MiB at least, and has no journal");
    }
    const bool needs_metadata = spec.footer.place == SampleFooter::Place::metadata;
    if (spec.era == SamplePhoneSpec::Era::mbr && needs_metadata) {
        return invalid_argument("a phone of the MBR era has no metadata partition",
                                "its footer is at the end of userdata");
    }
    if (spec.cipher.sector_bytes != 512 && spec.cipher.sector_bytes != 4096) {
        return invalid_argument("the sample phone encrypts sectors of 512 or 4096 bytes",
                                fmt::format("not {}", spec.cipher.sector_bytes));
    }
    const bool is_pattern =
        spec.secret.kind == SampleSecret::Kind::pattern_digits || spec.secret.kind == SampleSecret::Kind::pattern_raw;
    if (is_pattern && !std::ranges::all_of(spec.secret.text, [](char c) { return c >= '1' && c <= '9'; })) {
        return invalid_argument("a pattern is written as nodes 1 to 9",
                                "row by row from the upper left, without separators");
    }
    return {};
}

/// One build under way.
class Builder {
public:
    Builder(const SamplePhoneSpec& spec, fs::path folder, fs::path work, RunContext context)
        : spec_{spec}, folder_{std::move(folder)}, work_{std::move(work)}, context_{std::move(context)},
          plan_{make_plan(spec)}, names_{names_of(spec.era)}
    {
        phone_.dump = work_ / "phone.img";
        phone_.boot1 = work_ / "boot1.bin";
        phone_.scatter = work_ / scatter_file_name(spec.era);
        phone_.fstab = work_ / fstab_file_name(spec.era);
        phone_.device_size = ByteCount{plan_.device_size};
        phone_.userdata_at = ByteOffset{plan_.at(names_.userdata).start};
        for (const auto& slot : plan_.slots) {
            phone_.partitions.push_back(
                {.name = std::string{slot.name}, .start = ByteOffset{slot.start}, .size = ByteCount{slot.size}});
        }
    }

    Result<SamplePhone> build()
    {
        SALVAGE_TRY(make_volumes());
        auto dump = SALVAGE_TRY(ImageFile::create(phone_.dump, ByteCount{plan_.device_size}));
        SALVAGE_TRY(write_firmware(dump, spec_, phone_.boot1));
        SALVAGE_TRY(write_tables(dump));
        SALVAGE_TRY(write_userdata(dump));
        SALVAGE_TRY(write_footer(dump));
        SALVAGE_TRY(write_small_volumes(dump));
        SALVAGE_TRY(damage(dump));
        SALVAGE_TRY(write_new_file(phone_.scatter, as_bytes(make_scatter(plan_, spec_))));
        SALVAGE_TRY(write_new_file(phone_.fstab, as_bytes(make_fstab(spec_))));
        std::ranges::sort(phone_.files, {}, &ExpectedFile::path);
        SALVAGE_TRY(hand_over());
        return std::move(phone_);
    }

private:
    [[nodiscard]] bool is_encrypted() const
    {
        return spec_.content.state == SampleContent::State::encrypted &&
               (spec_.footer.flags & flag_not_yet_encrypted) == 0;
    }
    [[nodiscard]] bool has_footer() const
    {
        return spec_.content.state == SampleContent::State::encrypted &&
               spec_.footer.place != SampleFooter::Place::none;
    }
    [[nodiscard]] bool is_f2fs() const { return spec_.content.volume == SampleContent::Volume::f2fs; }
    [[nodiscard]] fs::path volume() const { return work_ / "userdata.img"; }

    /// A footer at the tail keeps the last 16 KiB of the partition for itself.
    Result<> make_volumes()
    {
        const bool has_tail = spec_.footer.place == SampleFooter::Place::userdata_tail;
        phone_.volume_size = ByteCount{spec_.userdata_size.value - (has_tail ? tail_bytes : 0)};
        Tree tree{work_ / "userdata"};
        const bool is_file_based = spec_.content.state == SampleContent::State::file_based_encryption;
        SALVAGE_TRY(is_file_based ? stage_encrypted_files(tree, spec_) : stage_userdata(tree, spec_));
        const VolumeOptions options{.size = phone_.volume_size,
                                    .has_checksums = spec_.content.has_checksums,
                                    .has_encrypt_feature = is_file_based,
                                    .seed = spec_.seed};
        SALVAGE_TRY(is_f2fs() ? make_f2fs_volume(tree, volume(), options) : make_volume(tree, volume(), options));
        if (spec_.content.has_dirty_journal) {
            SALVAGE_TRY(make_journal_dirty(tree, volume()));
        }
        phone_.files = std::move(tree.entries());
        return {};
    }

    Result<> write_tables(ImageFile& dump)
    {
        return spec_.era == SamplePhoneSpec::Era::gpt ? write_gpt(dump, plan_, spec_.seed)
                                                      : write_mbr_and_pmt(dump, plan_);
    }

    Result<> write_userdata(ImageFile& dump)
    {
        if (!is_encrypted()) {
            return copy_plain(volume(), dump, phone_.userdata_at);
        }
        auto random = SALVAGE_TRY(Random::make(spec_.seed, "master key"));
        phone_.master_key = SecretBytes::copy_of(random.bytes(spec_.cipher.key_bytes));
        const auto used = SALVAGE_TRY(is_f2fs() ? used_f2fs_ranges(volume(), phone_.volume_size)
                                                : used_ranges(volume(), phone_.volume_size));
        if ((spec_.footer.flags & flag_interrupted) != 0) {
            phone_.encrypted_upto = middle_of(used);
        }
        const bool is_whole = spec_.cipher.extent == SampleCipher::Extent::whole;
        const EncryptionJob job{.cipher = spec_.cipher,
                                .key = phone_.master_key.expose(),
                                .ranges = is_whole ? std::vector{ByteRange::first(phone_.volume_size)} : used,
                                .encrypted_upto = phone_.encrypted_upto,
                                .at = phone_.userdata_at};
        return copy_encrypted(volume(), dump, job, context_);
    }

    Result<FooterFacts> footer_facts(std::uint64_t footer_at) const
    {
        FooterFacts facts{.seed = spec_.seed,
                          .secret = spec_.secret,
                          .footer = spec_.footer,
                          .cipher_name = spec_.cipher.name,
                          .master_key = {},
                          .volume_sectors = phone_.volume_size.value / lba_bytes,
                          .footer_at = footer_at,
                          .encrypted_upto = std::nullopt,
                          .first_block_hash = {}};
        auto other = SALVAGE_TRY(Random::make(spec_.seed, "another phone's master key"));
        const auto key = phone_.master_key.expose();
        facts.master_key = spec_.footer.is_of_another_phone || key.empty() ? other.bytes(spec_.cipher.key_bytes)
                                                                           : Bytes{key.begin(), key.end()};
        if (phone_.encrypted_upto) {
            Bytes first(volume_block_bytes);
            const auto plain = SALVAGE_TRY(ImageFile::open(volume()));
            SALVAGE_TRY(plain.read_at(ByteOffset{0}, first));
            facts.first_block_hash = sha256(first);
            facts.encrypted_upto = (phone_.encrypted_upto->value / lba_bytes) - 1;
        }
        return facts;
    }

    Result<> write_footer(ImageFile& dump)
    {
        phone_.secret = sample_secret_bytes(spec_.secret);
        if (!has_footer()) {
            return {};
        }
        const bool is_tail = spec_.footer.place == SampleFooter::Place::userdata_tail;
        const auto& holder = plan_.at(is_tail ? names_.userdata : "metadata");
        const auto on_device = is_tail ? holder.size - tail_bytes : 0;
        const auto facts = SALVAGE_TRY(footer_facts(on_device));
        auto footer = SALVAGE_TRY(build_footer(facts));
        phone_.footer_at = ByteOffset{holder.start + on_device};
        phone_.phone_keys = std::move(footer.phone_keys);
        SALVAGE_TRY(dump.write_at(*phone_.footer_at, ByteView{footer.area}.first(tail_bytes)));
        return {};
    }

    /// system with the fstab, and a cache that may hold the footer of an installation before this one.
    Result<> write_small_volumes(ImageFile& dump)
    {
        Tree system{work_ / "system"};
        SALVAGE_TRY(stage_system(system, make_fstab(spec_)));
        SALVAGE_TRY(put_volume(dump, system, names_.system, 8 * mebibyte));
        Tree cache{work_ / "cache"};
        SALVAGE_TRY(cache.folder("/", {.mode = 0770, .owner = 1000, .selinux = {}}));
        SALVAGE_TRY(cache.folder("/recovery", {.mode = 0770, .owner = 1000, .selinux = {}}));
        SALVAGE_TRY(
            cache.text("/recovery/last_log", "Starting recovery (pid 184) on Sat Aug 12 2017\n", {.selinux = {}}));
        if (spec_.content.has_decoys) {
            SALVAGE_TRY(stage_decoys(dump, cache));
        }
        return put_volume(dump, cache, names_.cache, plan_.at(names_.cache).size);
    }

    Result<> stage_decoys(ImageFile& dump, Tree& cache)
    {
        Bytes broken(volume_block_bytes);
        store_le<std::uint32_t>(broken, 0xD0B5B1C4);
        std::ranges::copy(as_bytes("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAaes-cbc-essiv:sha256"), broken.begin() + 4);
        const auto* const misc = spec_.era == SamplePhoneSpec::Era::gpt ? "para" : "MISC";
        SALVAGE_TRY(dump.write_at(ByteOffset{plan_.at(misc).start + 0x400}, broken));
        auto outdated = SALVAGE_TRY(footer_facts(0));
        auto random = SALVAGE_TRY(Random::make(spec_.seed, "outdated master key"));
        outdated.seed += 1;
        outdated.master_key = random.bytes(spec_.cipher.key_bytes);
        const auto footer = SALVAGE_TRY(build_footer(outdated));
        return cache.file("/metadata.old", footer.area, {.selinux = {}});
    }

    Result<> put_volume(ImageFile& dump, Tree& tree, std::string_view name, std::uint64_t size)
    {
        const auto image = work_ / fmt::format("{}.ext4", name);
        SALVAGE_TRY(make_volume(tree, image, {.size = ByteCount{size}, .label = name, .seed = spec_.seed}));
        return copy_plain(image, dump, ByteOffset{plan_.at(name).start});
    }

    Result<> damage(ImageFile& dump)
    {
        const auto& wanted = spec_.damage;
        const Bytes table_bytes(0x4400);
        if (wanted.is_primary_gpt_destroyed) {
            SALVAGE_TRY(dump.write_at(ByteOffset{0}, table_bytes));
        }
        if (wanted.is_backup_gpt_destroyed) {
            SALVAGE_TRY(dump.write_at(ByteOffset{plan_.device_size - 0x4200}, ByteView{table_bytes}.first(0x4200)));
        }
        if (!wanted.unreadable_files.empty()) {
            SALVAGE_TRY(lose_sectors(dump));
        }
        if (wanted.is_cut_inside_userdata) {
            SALVAGE_TRY(dump.set_size(ByteCount{phone_.userdata_at.value + (spec_.userdata_size.value / 2)}));
        }
        if (wanted.is_one_byte_short) {
            SALVAGE_TRY(dump.set_size(ByteCount{plan_.device_size - 1}));
        }
        return {};
    }

    /// Two sectors of each named file become zeros in the dump and `-` in the map.
    Result<> lose_sectors(ImageFile& dump)
    {
        std::vector<std::uint64_t> bad;
        for (const auto& path : spec_.damage.unreadable_files) {
            const Tree staged{work_ / "userdata"};
            const auto blocks =
                SALVAGE_TRY(is_f2fs() ? f2fs_blocks_of(volume(), staged.staged(path)) : blocks_of(volume(), path));
            const auto in_block = std::max<std::uint64_t>(spec_.cipher.sector_bytes, 1024) == 1024 ? 1024U : 0U;
            const auto at = phone_.userdata_at.value + blocks.front().value + in_block;
            bad.push_back(at);
            SALVAGE_TRY(dump.write_at(ByteOffset{at}, Bytes(lost_bytes)));
            const auto entry = std::ranges::find(phone_.files, path, &ExpectedFile::path);
            if (entry != phone_.files.end()) {
                const auto lost = std::max<std::uint64_t>(lost_bytes, spec_.cipher.sector_bytes);
                entry->unreadable.push_back(
                    ByteRange::between(ByteOffset{in_block}, ByteOffset{std::min(in_block + lost, entry->size)}));
            }
        }
        std::ranges::sort(bad);
        phone_.map = fs::path{phone_.dump.string() + ".map"};
        return write_new_file(*phone_.map, as_bytes(make_map(bad)));
    }

    [[nodiscard]] std::string make_map(const std::vector<std::uint64_t>& bad) const
    {
        auto out =
            std::string{"# Mapfile. Created by GNU ddrescue version 1.27\n# current_pos  current_status  current_pass\n"
                        "0x00000000     +               1\n#      pos        size  status\n"};
        std::uint64_t done = 0;
        const auto line = [&](std::uint64_t end, char status) {
            if (done < end) {
                out += fmt::format("0x{:08X}  0x{:08X}  {}\n", done, end - done, status);
                done = end;
            }
        };
        for (const auto at : bad) {
            line(at, '+');
            line(at + lost_bytes, '-');
        }
        line(plan_.device_size, '+');
        return out;
    }

    /// Moves the finished files from the work folder to where they were asked for.
    Result<> hand_over()
    {
        std::vector<fs::path*> files{&phone_.dump, &phone_.boot1, &phone_.scatter, &phone_.fstab};
        if (phone_.map) {
            files.push_back(&*phone_.map);
        }
        for (const auto* const file : files) {
            if (std::error_code ignored; fs::exists(folder_ / file->filename(), ignored)) {
                return from_errno(EEXIST, "the sample phone overwrites nothing", (folder_ / file->filename()).string());
            }
        }
        for (auto* const file : files) {
            std::error_code failure;
            auto target = folder_ / file->filename();
            fs::rename(*file, target, failure);
            if (failure) {
                return from_errno(failure.value(), "cannot move a file of the sample phone", target.string());
            }
            *file = std::move(target);
        }
        return {};
    }

    static constexpr std::uint64_t lost_bytes = 1024;

    SamplePhoneSpec spec_;
    fs::path folder_;
    fs::path work_;
    RunContext context_;
    Plan plan_;
    Names names_;
    SamplePhone phone_;
};

} // namespace

Result<SamplePhone> build_sample_phone(const SamplePhoneSpec& spec, const fs::path& folder, const RunContext& context)
{
    SALVAGE_TRY(check(spec));
    const auto work = SALVAGE_TRY(WorkFolder::make(folder));
    return Builder{spec, folder, work.path(), context}.build();
}

} // namespace salvage::rescue
