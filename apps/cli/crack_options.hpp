// What crack and keyspace are told: attacks by hashcat's names, how to run, where to keep what.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "options.hpp"
#include "salvage/rescue/attacks.hpp"

namespace salvage::cli {

/// -a, -r, -j, -k, -1 to -4, --increment …, --pin, --grid, --pattern-like, --dates, --like.
struct AttackOptions {
    std::vector<std::string> modes; ///< -a, given once for the mode; see take_hash_list
    std::vector<std::string> words; ///< positional
    std::vector<std::string> wordlists;
    std::vector<std::string> rule_files;
    std::string rule_left;
    std::string rule_right;
    std::array<std::string, password::custom_charsets> charsets;
    bool is_hex_charset{false};
    bool is_increment{false};
    std::optional<unsigned> increment_min;
    std::optional<unsigned> increment_max;
    std::string pins;
    std::optional<unsigned> grid;
    std::optional<unsigned> max_dots;
    std::string pattern;
    std::string dates;
    std::vector<std::string> date_formats;
    std::vector<std::string> remembered;

    void add_to(CLI::App& verb);
    /// Takes a file's name out of `modes`.  A Hashtopolis agent cuts "-a #HL# " out of a command before it asks for the
    /// keyspace, so what it runs is `crack -a HASHES -a 3 MASK`.
    [[nodiscard]] std::optional<std::string> take_hash_list();
    /// Errors: invalid_argument.
    [[nodiscard]] Result<rescue::AttackSpec> spec() const;
};

/// --threads, --isa, --scrypt-lanes, --gpu.
struct DeviceOptions {
    unsigned threads{0};
    std::string isa;
    std::optional<std::size_t> scrypt_lanes;
    std::string gpu{"none"};

    void add_to(CLI::App& verb);
    /// Errors: invalid_argument, unsupported.
    [[nodiscard]] Result<password::DeviceRequest> request() const;
};

} // namespace salvage::cli
