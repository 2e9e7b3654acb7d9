// Several tables as one layout.  Truth order: GPT in the dump, computed end, scatter size; docs/formats/scatter.md.
//
//   GPT (or its backup) > PMT > MBR > scatter files, in the order given > carving; fstab adds filesystems only
// Each value that a lower table gives otherwise is a finding with both values and the one that was taken.
#include "reconcile.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "names.hpp"
#include "salvage/core/text.hpp"

namespace salvage::partition {
namespace {

constexpr std::uint64_t sector_bytes = 512;

const Table* find_family(const std::vector<Table>& tables, std::string_view family)
{
    const auto found = std::ranges::find_if(
        tables, [&](const Table& table) { return family_of(table.kind) == family && !table.partitions.empty(); });
    return found != tables.end() ? &*found : nullptr;
}

/// How much a dump lacks when SP Flash Tool's Readback was given the UA size as its last byte: a byte or two, or a
/// sector.
bool is_readback_slip(std::uint64_t missing, std::uint64_t sector) noexcept
{
    return missing <= 2 || missing == sector;
}

class Reconciler {
public:
    Reconciler(std::vector<Table> tables, std::optional<ByteCount> dump_size) : dump_size_{dump_size}
    {
        layout_.tables = std::move(tables);
    }

    Layout run()
    {
        for (const auto& table : layout_.tables) {
            std::ranges::copy(table.findings, std::back_inserter(layout_.findings));
        }
        const auto* const gpt = choose_gpt(layout_.tables, notes_);
        learn_flash(gpt);
        judge_dump_size(gpt);
        merge(gpt);
        layout_.partitions = merger_.take();
        compute_ends(layout_.partitions, flash_, notes_);
        check_geometry(layout_.partitions, layout_.device_size, dump_size_, notes_);
        std::ranges::move(notes_.take(), std::back_inserter(layout_.findings));
        return std::move(layout_);
    }

private:
    void learn_flash(const Table* gpt)
    {
        const auto* const pmt = find_family(layout_.tables, "pmt");
        const auto* const known = gpt != nullptr && gpt->device_size ? gpt : pmt;
        layout_.device_size = known != nullptr ? known->device_size : std::nullopt;
        if (gpt != nullptr && gpt->sector_size) {
            layout_.sector_size = *gpt->sector_size;
            flash_.sector_size = gpt->sector_size;
        }
        flash_.has_user_area = gpt != nullptr || dump_size_.has_value();
        if (layout_.device_size) {
            flash_.size = layout_.device_size->value;
        } else if (dump_size_) {
            // A dump that is a byte short still tells the size: flashes end with a whole sector.
            flash_.size = checked_add(dump_size_->value, sector_bytes - 1).value_or(0) / sector_bytes * sector_bytes;
        }
    }

    void judge_dump_size(const Table* gpt)
    {
        const bool has_tables = std::ranges::any_of(layout_.tables, [](const Table& table) {
            return !table.partitions.empty() && table.kind != "carved" && table.kind != "fstab";
        });
        if (!dump_size_ || !has_tables || !flash_.size || dump_size_->value == *flash_.size) {
            return;
        }
        const auto dump = dump_size_->value;
        const auto flash = *flash_.size;
        const Numbers numbers{{"dump_size", dump}, {"flash_size", flash}};
        const auto sector = layout_.sector_size.bytes();
        if (dump > flash) {
            notes_.note("dump-longer-than-gpt",
                        fmt::format("The dump is {} longer than the flash that its table describes.",
                                    format_size_exact(ByteCount{dump - flash})),
                        {.numbers = numbers});
        } else if (is_readback_slip(flash - dump, sector)) {
            notes_.warn("dump-one-byte-short",
                        fmt::format("The dump ends {} too early. That happens in SP Flash Tool when the UA size is "
                                    "typed into Readback as it stands; nothing but the very end is missing.",
                                    flash - dump == sector ? "one sector" : format_size(ByteCount{flash - dump})),
                        {.numbers = numbers});
        } else if (gpt != nullptr) {
            notes_.add(Severity::error, "dump-shorter-than-gpt",
                       fmt::format("The dump ends {} before the flash that its GPT describes: it is incomplete.",
                                   format_size_exact(ByteCount{flash - dump})),
                       {.numbers = numbers});
        } else {
            notes_.warn(
                "dump-shorter-than-flash",
                fmt::format("The dump ends {} before the flash does.", format_size_exact(ByteCount{flash - dump})),
                {.numbers = numbers});
        }
    }

    void merge(const Table* gpt)
    {
        auto others = other_tables();
        place_lone_ebrs(others, notes_);
        if (gpt != nullptr) {
            merger_.add(*gpt);
        }
        for (const auto* const family : {"pmt", "scatter", "mbr", "carved", "fstab"}) {
            for (const auto& table : others) {
                if (family_of(table.kind) == family) {
                    merger_.add(table);
                }
            }
        }
        merger_.note_lonely();
    }

    /// All but GPT, with places that do not depend on other tables.
    std::vector<Table> other_tables()
    {
        std::vector<Table> out;
        for (const auto& table : layout_.tables) {
            if (family_of(table.kind) != "gpt") {
                auto copy = with_one_storage(table, flash_, notes_);
                place_reserved(copy, flash_, notes_);
                out.push_back(std::move(copy));
            }
        }
        return out;
    }

    std::optional<ByteCount> dump_size_;
    Layout layout_;
    Flash flash_;
    Notes notes_;
    Merger merger_{notes_};
};

} // namespace

std::string_view family_of(std::string_view kind) noexcept
{
    return kind.substr(0, kind.find('-'));
}

bool has_finding(const Table& table, std::string_view code)
{
    return std::ranges::any_of(table.findings, [&](const Finding& finding) { return finding.code == code; });
}

Layout reconcile(std::vector<Table> tables, std::optional<ByteCount> dump_size)
{
    return Reconciler{std::move(tables), dump_size}.run();
}

} // namespace salvage::partition
