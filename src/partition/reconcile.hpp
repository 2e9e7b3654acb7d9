// The steps of reconcile(), each in a file of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "note.hpp"
#include "salvage/partition/layout.hpp"

namespace salvage::partition {

/// "scatter-yaml" is "scatter", "gpt-backup" is "gpt": the first half of a conflict's code.
[[nodiscard]] std::string_view family_of(std::string_view kind) noexcept;

[[nodiscard]] bool has_finding(const Table& table, std::string_view code);

/// The GPT to believe: a whole one before a damaged one, then a primary before a backup, then the one given first.
/// Where others differ from it becomes findings.  Null where there is no GPT with partitions.
[[nodiscard]] const Table* choose_gpt(const std::vector<Table>& tables, Notes& notes);

/// What the flash is known to be, for tables that count from its end or do not say which storage they mean.
struct Flash {
    std::optional<std::uint64_t> size; ///< from a GPT or PMT, otherwise the dump rounded up to sectors
    std::optional<SectorSize> sector_size;
    bool has_user_area{false}; ///< a dump or a GPT is there, so "user" has a meaning for UFS too
};

/// The blocks of the storage that the phone has, others dropped; regions as the dump sees them.
[[nodiscard]] Table with_one_storage(Table table, const Flash& flash, Notes& notes);

/// Gives reserved partitions their starts: from the last one backwards, start = flash size - running sum of sizes.
void place_reserved(Table& table, const Flash& flash, Notes& notes);

/// Gives the partitions of an EBR that came in a file of its own the place of that EBR.
void place_lone_ebrs(std::vector<Table>& tables, Notes& notes);

/// Joins tables, the most believed first.
class Merger {
public:
    explicit Merger(Notes& notes) : notes_{&notes} {}

    /// Takes over what is new, fills what was unknown, reports what differs.
    void add(const Table& table);
    /// After the last: names that only one kind of table knows.
    void note_lonely();
    [[nodiscard]] std::vector<Partition> take();

private:
    struct Member {
        Partition partition;
        std::string size_source; ///< kind of the table the size is from
        std::string start_source;
        bool is_in_gpt{false};
        bool is_in_scatter{false};
        bool is_in_mbr{false};
    };

    [[nodiscard]] bool is_of_another_phone(const Table& table);
    void add_named(const Partition& partition, const Table& table, bool takes_new);
    void add_nameless(const Partition& partition, const Table& table);
    void add_new(const Partition& partition, const Table& table);
    void join(Member& member, const Partition& partition, const Table& table);
    void join_start(Member& member, const Partition& partition, const Table& table);
    void join_size(Member& member, const Partition& partition, const Table& table);
    void report_size(const Member& member, const Partition& partition, const Table& table);
    void refuse_overflow(Member& member);
    [[nodiscard]] std::size_t* find_named(const Partition& partition);

    Notes* notes_;
    std::vector<Member> members_;
    std::unordered_map<std::string, std::size_t> by_exact_name_;
    std::unordered_map<std::string, std::size_t> by_canonical_name_;
    std::unordered_map<std::uint64_t, std::size_t> by_start_; ///< user area
    bool has_gpt_{false};
    bool has_scatter_{false};
    bool has_names_{false};
};

/// Ends that no table knows: the next start, or the end of the flash less what is reserved there.
void compute_ends(std::vector<Partition>& partitions, const Flash& flash, Notes& notes);

/// Sorts by region and start, and reports overlaps, gaps and what reaches past the end.
void check_geometry(std::vector<Partition>& partitions, std::optional<ByteCount> device_size,
                    std::optional<ByteCount> dump_size, Notes& notes);

} // namespace salvage::partition
