// What a partition is, what a table of them is, and how several tables become one layout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salvage/core/finding.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::partition {

/// What a partition is for, as the map colours it.
enum class Role : std::uint8_t {
    boot_chain,
    system,
    user_data,
    keys_and_footers,
    radio_calibration,
    reserved,
    unknown
};
[[nodiscard]] std::string_view to_string(Role role) noexcept;
/// Role by a partition's name, in any case and in old and new spellings (USRDATA, userdata).
[[nodiscard]] Role role_of(std::string_view name) noexcept;

struct Partition {
    std::string name;
    std::string region{"user"}; ///< "user", "boot1", "boot2", "rpmb", "gp1" …, or a UFS LUN: "lu2"
    ByteOffset start;           ///< in its region
    ByteCount size;             ///< after reconciliation; 0 where a table does not say
    std::string source;         ///< kind of the table it came from: "gpt"
    std::string filesystem;     ///< as a table says ("ext4"); may be empty
    Role role{Role::unknown};
    /// Set where a table gives the address as 0xFFFFxxxx or marks it reserved: counted from the end of the flash.
    bool is_reserved{false};
    bool is_start_known{true};
    bool is_size_known{true};
    /// Everything else the table says, in its own words and order: {"operation_type","INVISIBLE"}.
    std::vector<std::pair<std::string, std::string>> attributes;
};

/// One table as read: GPT, MBR chain, PMT, scatter, fstab, or what carving found.
struct Table {
    std::string kind;    ///< "gpt", "gpt-backup", "mbr", "pmt", "scatter-text", "scatter-ota", "scatter-yaml",
                         ///< "scatter-xml", "fstab", "carved"
    std::string dialect; ///< "V1.1.2", "rev 1.0, 512-byte sectors"; may be empty
    std::string path;    ///< where it was read from, for reports
    std::vector<Partition> partitions;
    std::vector<Finding> findings;
    /// Size of the flash's user area as this table knows it (GPT: backup LBA + 1).
    std::optional<ByteCount> device_size;
    std::optional<SectorSize> sector_size;
    /// Where fstab says the crypto footer is: "footer", or a block device path; empty otherwise.
    std::string footer_place;
    /// What fstab says of /data's encryption: "forceencrypt", "encryptable", "fileencryption", "forcefdeorfbe"; may be
    /// empty.
    std::string data_encryption;
    /// What a scatter file says of its phone: "MT6750", and "EMMC" or "UFS"; may be empty.
    std::string platform{};
    std::string storage{};
};

/// Answer of a probe: these bytes are not mine, mine but damaged, or mine.
struct ProbeResult {
    enum class Kind : std::uint8_t { not_mine, damaged, mine };
    Kind kind{Kind::not_mine};
    std::optional<Error> damage; ///< with damaged: why and where
    std::optional<Table> table;  ///< with mine; with damaged where part could be read
};

/// Tables found in one file: a whole dump, a GPT/MBR/EBR/PMT dump, a scatter file, or an fstab.
/// Tries the formats in the order of registry.cpp.  A dump yields all tables it holds (primary and backup GPT, PMT …).
/// Errors: io; not_found (nothing recognised: says what was looked for); malformed (recognised, nothing readable).
[[nodiscard]] Result<std::vector<Table>> read_tables(const io::ByteSource& source, std::string_view path);

/// Tables of a dump that nobody labelled: as read_tables, but an empty list where there are none.
[[nodiscard]] Result<std::vector<Table>> find_tables_in_dump(const io::ByteSource& dump, std::string_view path);

/// The tables as one layout: sorted by region and start.
struct Layout {
    std::vector<Partition> partitions;
    std::vector<Finding>
        findings; ///< those of the tables and every conflict, with both values and which was taken and why
    std::optional<ByteCount> device_size;
    SectorSize sector_size{sector_512()};
    std::vector<Table> tables; ///< as given

    [[nodiscard]] const Partition*
    find(std::string_view name) const noexcept; ///< case-insensitive; aliases (USRDATA = userdata)
    /// The partition of the user area that holds `at`, innermost where several do.
    [[nodiscard]] const Partition* containing(ByteOffset at) const noexcept;
};

/// Truth order: GPT in the dump, computed end, scatter size.  `dump_size` is the size of the user-area dump where there
/// is one.
[[nodiscard]] Layout reconcile(std::vector<Table> tables, std::optional<ByteCount> dump_size);

/// "metadata+0x24", or "0x3bc8024" where no partition holds it.
[[nodiscard]] std::string describe_offset(const Layout& layout, ByteOffset at);
/// Reads any notation of parse_quantity, and `metadata+0x24`, `metadata`.  Errors: invalid_argument (names near
/// misses).
[[nodiscard]] Result<ByteOffset> resolve_offset(const Layout& layout, std::string_view text);

} // namespace salvage::partition
