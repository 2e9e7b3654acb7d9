// The file allocation table: what follows a cluster, and whole chains.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "geometry.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::filesystem::fat {

/// What the table says of a cluster.
struct Link {
    enum class Kind : std::uint8_t { free, next, end, bad };
    Kind kind{Kind::free};
    std::uint32_t next{}; ///< of Kind::next; inside the volume
    bool operator==(const Link&) const = default;
};

/// Neighbouring clusters.
struct ClusterRun {
    std::uint32_t first{};
    std::uint32_t count{};
    bool operator==(const ClusterRun&) const = default;
};

/// Clusters of a file in order, as far as they are known.
struct Chain {
    std::vector<ClusterRun> runs;
    std::uint64_t clusters{0};
    std::optional<Error> damage; ///< why it goes no further although more was wanted

    /// Appends a cluster, joined to the last run where it follows it.
    void append(std::uint32_t cluster);
};

/// Reads the table a page at a time.  One reader serves one operation: it is not thread safe.
/// Where the active copy cannot be read, or says what cannot be, the other copy is asked.
class TableReader {
public:
    /// Requires: `geometry` and `volume` outlive it.
    TableReader(const Geometry& geometry, const io::ByteSource& volume) noexcept : geometry_{geometry}, volume_{volume}
    {
    }

    /// Requires: geometry.has_cluster(cluster).
    /// Errors: malformed (neither copy says what can be: where = the entry), those of the source.
    [[nodiscard]] Result<Link> link(std::uint32_t cluster);

    /// The chain from `first` on: `wanted` clusters at most.  Each cluster once: a chain that comes back to itself ends
    /// there with damage, as it does at a free, bad or unreadable entry.  An ordinary end is no damage.
    [[nodiscard]] Chain chain(std::uint32_t first, std::uint64_t wanted);

private:
    static constexpr std::uint64_t page_bytes = 4096;
    struct Page {
        std::optional<std::uint64_t> number;
        std::optional<std::uint64_t> failed; ///< a page that cannot be read whole
        Bytes bytes;
    };

    [[nodiscard]] ByteOffset entry_at(std::uint32_t cluster, std::uint32_t copy) const noexcept;
    [[nodiscard]] Result<std::uint32_t> raw(std::uint32_t cluster, std::uint32_t copy);
    [[nodiscard]] Result<std::uint32_t> number_at(ByteOffset at, std::uint32_t copy, std::size_t bytes);
    [[nodiscard]] Result<Link> link_in(std::uint32_t cluster, std::uint32_t copy);
    [[nodiscard]] Result<Link> link_of_member(std::uint32_t cluster);
    [[nodiscard]] std::optional<std::uint32_t> step(std::uint32_t cluster, Chain& into);
    [[nodiscard]] Error broken(std::uint32_t cluster, std::string_view why) const;

    const Geometry& geometry_;
    const io::ByteSource& volume_;
    std::array<Page, 2> pages_;
};

/// One bit a cluster that the dump has: whether a live file or a table has it.  What cannot be read counts as taken.
class Allocation {
public:
    explicit Allocation(std::uint32_t clusters) : taken_(clusters, true) {}
    /// Clusters from 2 on of which it knows.
    [[nodiscard]] std::uint32_t clusters() const noexcept { return static_cast<std::uint32_t>(taken_.size()); }
    [[nodiscard]] bool is_free(std::uint32_t cluster) const noexcept
    {
        return cluster >= 2 && cluster - 2 < taken_.size() && !taken_[cluster - 2];
    }
    /// Requires: the cluster is one of those.
    void set_free(std::uint32_t cluster) noexcept { taken_[cluster - 2] = false; }

private:
    std::vector<bool> taken_;
};

/// Of the first `clusters`, by the file allocation table of a FAT.  Errors: cancelled, io.
[[nodiscard]] Result<Allocation> allocation_of_table(const Geometry& geometry, const io::ByteSource& volume,
                                                     std::uint32_t clusters, const RunContext& context);

} // namespace salvage::filesystem::fat
