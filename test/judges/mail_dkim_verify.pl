#!/usr/bin/perl
# Verifies messages with Mail::DKIM: mail_dkim_verify.pl ZONE MESSAGE... prints one result a line.
# ZONE holds TXT records in zone form; nothing is asked of the network.
use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Net::DNS;

package ZoneResolver {
    sub new {
        my ($class, $path) = @_;
        open my $zone, '<', $path or die "$path: $!";
        return bless {records => [map { Net::DNS::RR->new($_) } grep { /\S/ } <$zone>]}, $class;
    }

    sub send {
        my ($self, $name, $type) = @_;
        my $packet = Net::DNS::Packet->new($name, $type, 'IN');
        my @found = grep { lc $_->owner eq lc $name && $_->type eq uc $type } @{$self->{records}};
        $packet->push(answer => @found);
        $packet->header->rcode(@found ? 'NOERROR' : 'NXDOMAIN');
        $self->{rcode} = $packet->header->rcode;
        return $packet;
    }

    sub errorstring { return $_[0]{rcode} }
}

my $zone = shift or die "usage: mail_dkim_verify.pl ZONE MESSAGE...\n";
Mail::DKIM::DNS::resolver(ZoneResolver->new($zone));
for my $path (@ARGV) {
    open my $file, '<:raw', $path or die "$path: $!";
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT(do { local $/; <$file> });
    $verifier->CLOSE;
    print $verifier->result, "\n";
}
